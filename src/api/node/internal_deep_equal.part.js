// Deep equality of values, as assert.deepEqual (loose) and util.isDeepStrictEqual have it.
import { types } from "./util_types.part.js";

const own_enumerable_symbols = (object) => Object.getOwnPropertySymbols(object)
  .filter((key) => Object.prototype.propertyIsEnumerable.call(object, key));

function same_bytes(a, b) {
  if (a.byteLength !== b.byteLength) return false;
  const one = new Uint8Array(a.buffer ?? a, a.byteOffset ?? 0, a.byteLength);
  const other = new Uint8Array(b.buffer ?? b, b.byteOffset ?? 0, b.byteLength);
  return one.every((byte, i) => byte === other[i]);
}

function boxed_value(value) {
  for (const Class of [Number, String, Boolean, BigInt, Symbol]) {
    try {
      return Class.prototype.valueOf.call(value);
    } catch { /* another class */ }
  }
  return undefined;
}

// The names of what an object has beside the elements of a typed array.
function members_of(object) {
  const keys = Object.keys(object);
  return types.isTypedArray(object) ? keys.slice(object.length) : keys;
}

// One comparison: strict or loose, with the pairs that are being compared (for cycles).
class Comparison {
  #strict;
  #pairs = new Map();

  constructor(strict) {
    this.#strict = strict;
  }

  equal(a, b) {
    if (a === b) return a !== 0 || !this.#strict || Object.is(a, b);
    const strict = this.#strict;
    const a_object = typeof a === "object" && a !== null;
    const b_object = typeof b === "object" && b !== null;
    if (strict) {
      if (!a_object || !b_object) return Number.isNaN(a) && Number.isNaN(b);
      if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    } else {
      if (!a_object) return !b_object && (a == b || (Number.isNaN(a) && Number.isNaN(b)));
      if (!b_object) return false;
    }
    return this.#objects(a, b);
  }

  #objects(a, b) {
    if (Object.prototype.toString.call(a) !== Object.prototype.toString.call(b)) return false;
    if (Array.isArray(a)) {
      if (!Array.isArray(b) || a.length !== b.length) return false;
    } else if (Array.isArray(b)) {
      return false;
    }
    return this.#kinds_equal(a, b) && this.#members(a, b);
  }

  // What lies in internal slots.
  #kinds_equal(a, b) {
    if (types.isDate(a)) {
      const [one, other] = [Date.prototype.getTime.call(a), types.isDate(b) ? b.getTime() : NaN];
      return one === other || (Number.isNaN(one) && types.isDate(b) && Number.isNaN(other));
    }
    if (types.isRegExp(a)) {
      return types.isRegExp(b) && a.source === b.source && a.flags === b.flags &&
        a.lastIndex === b.lastIndex;
    }
    if (types.isNativeError(a) || a instanceof Error) {
      return (types.isNativeError(b) || b instanceof Error) && a.message === b.message &&
        a.name === b.name && this.equal(a.cause, b.cause) && this.equal(a.errors, b.errors);
    }
    if (types.isAnyArrayBuffer(a)) return types.isAnyArrayBuffer(b) && same_bytes(a, b);
    if (types.isTypedArray(a) && (types.isFloat32Array(a) || types.isFloat64Array(a)) &&
        !this.#strict) {
      return a.length === b.length && a.every((value, i) => value === b[i]);
    }
    if (ArrayBuffer.isView(a)) return ArrayBuffer.isView(b) && same_bytes(a, b);
    if (types.isBoxedPrimitive(a)) {
      return types.isBoxedPrimitive(b) && Object.is(boxed_value(a), boxed_value(b));
    }
    if (types.isSet(a)) return types.isSet(b) && a.size === b.size;
    if (types.isMap(a)) return types.isMap(b) && a.size === b.size;
    if (types.isPromise(a) || types.isWeakMap(a) || types.isWeakSet(a)) return false;
    return !types.isSet(b) && !types.isMap(b) && !types.isDate(b);
  }

  #members(a, b) {
    if (this.#pairs.get(a) === b) return true;
    const before = this.#pairs.get(a);
    this.#pairs.set(a, b);
    try {
      return this.#keys_equal(a, b) && this.#collections_equal(a, b);
    } finally {
      if (before === undefined) this.#pairs.delete(a);
      else this.#pairs.set(a, before);
    }
  }

  #keys_equal(a, b) {
    const keys = members_of(a);
    if (keys.length !== members_of(b).length) return false;
    for (const key of keys) {
      if (!Object.prototype.propertyIsEnumerable.call(b, key)) return false;
    }
    if (this.#strict) {
      const symbols = own_enumerable_symbols(a);
      if (symbols.length !== own_enumerable_symbols(b).length) return false;
      for (const key of symbols) {
        if (!Object.prototype.propertyIsEnumerable.call(b, key)) return false;
        keys.push(key);
      }
    }
    return keys.every((key) => this.equal(a[key], b[key]));
  }

  #collections_equal(a, b) {
    if (types.isSet(a)) return this.#sets_equal(a, b);
    if (types.isMap(a)) return this.#maps_equal(a, b);
    return true;
  }

  #sets_equal(a, b) {
    const rest = [...b].filter((value) => !a.has(value));
    for (const value of a) {
      if (b.has(value)) continue;
      const at = rest.findIndex((other) => this.equal(value, other));
      if (at < 0) return false;
      rest.splice(at, 1);
    }
    return true;
  }

  #maps_equal(a, b) {
    const rest = [...b].filter(([key]) => !a.has(key));
    for (const [key, value] of a) {
      if (b.has(key)) {
        if (!this.equal(value, b.get(key))) return false;
        continue;
      }
      const at =
        rest.findIndex(([ other, held ]) => this.equal(key, other) && this.equal(value, held));
      if (at < 0) return false;
      rest.splice(at, 1);
    }
    return true;
  }
}

export const is_deep_equal = (a, b) => new Comparison(false).equal(a, b);
export const is_deep_strict_equal = (a, b) => new Comparison(true).equal(a, b);
