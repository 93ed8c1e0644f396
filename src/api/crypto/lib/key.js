// CryptoKey (Web Cryptography, 13). The substance is in native memory; a CryptoKey has a record:
// {id, type, extractable, algorithm, usages}, the id being the native's and the record its holder.
import { finish_class } from "../../base/expose.js";
import { kInternal } from "../../base/internal.js";
import { illegal_constructor, to_dom_string } from "../../base/webidl.js";
import {
  ArrayPrototypePush,
  SymbolIterator,
  TypeError,
  TypedArrayPrototypeSlice,
} from "../../base/primordials.js";
import { own_ops } from "../../parts/own_ops.js";
import { register_cloner } from "../../structured_clone/structured_clone.js";
import { require_result, syntax_error } from "./codes.js";

const { key_copy } = own_ops;

const usage_names = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey",
  "unwrapKey"];
export const kEncrypt = 1;
export const kDecrypt = 2;
export const kSign = 4;
export const kVerify = 8;
export const kDeriveKey = 16;
export const kDeriveBits = 32;
export const kWrapKey = 64;
export const kUnwrapKey = 128;

const bit_of = { __proto__: null };
for (let i = 0; i < usage_names.length; i++) bit_of[usage_names[i]] = 1 << i;

export const usage_bit = (name) => bit_of[name] ?? 0;

export function usage_list(usages) {
  const list = [];
  for (let i = 0; i < usage_names.length; i++) {
    if (usages & (1 << i)) ArrayPrototypePush(list, usage_names[i]);
  }
  return list;
}

// sequence<KeyUsage>
export function to_usages(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function") ||
      typeof value[SymbolIterator] !== "function") {
    throw new TypeError("The key usages must be a sequence.");
  }
  let usages = 0;
  for (const item of value) {
    const bit = bit_of[to_dom_string(item)];
    if (bit === undefined) throw new TypeError("The key usages hold one that is not known.");
    usages |= bit;
  }
  return usages;
}

export function require_usages(usages, allowed) {
  if (usages & ~allowed) throw syntax_error("The key cannot have one of these usages.");
}

export function new_record(type, extractable, algorithm, usages) {
  return { __proto__: null, id: 0, type, extractable, algorithm, usages };
}

// What `algorithm` shows: an object of the user's, who may change it.
function public_algorithm(algorithm) {
  const shown = { name: algorithm.name };
  if (algorithm.modulusLength !== undefined) {
    shown.modulusLength = algorithm.modulusLength;
    shown.publicExponent = TypedArrayPrototypeSlice(algorithm.publicExponent);
  }
  if (algorithm.hash !== undefined) shown.hash = { name: algorithm.hash };
  if (algorithm.length !== undefined) shown.length = algorithm.length;
  if (algorithm.namedCurve !== undefined) shown.namedCurve = algorithm.namedCurve;
  return shown;
}

export let record_of;
let copy_key;

export class CryptoKey {
  #record;
  #algorithm;
  #usages;
  constructor(internal = undefined, record = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#record = record;
  }

  get type() {
    return this.#record.type;
  }
  get extractable() {
    return this.#record.extractable;
  }
  get algorithm() {
    return (this.#algorithm ??= public_algorithm(this.#record.algorithm));
  }
  get usages() {
    return (this.#usages ??= usage_list(this.#record.usages));
  }

  static {
    record_of = (value) => {
      if ((typeof value !== "object" && typeof value !== "function") || value === null ||
          !(#record in value)) {
        throw new TypeError("The value is not a CryptoKey.");
      }
      return value.#record;
    };
    copy_key = (value) => {
      if (!(#record in value)) return undefined;
      const { type, extractable, algorithm, usages } = value.#record;
      const record = new_record(type, extractable, algorithm, usages);
      record.id = key_copy(value.#record.id, record);
      return new CryptoKey(kInternal, record);
    };
  }
}
finish_class(CryptoKey, "CryptoKey");
register_cloner(copy_key);

// `id`: what the native that made the key gave. what: for the error where it gave none.
export function finish_record(record, id, what) {
  record.id = require_result(id, what);
  return record;
}

export const key_of = (record) => new CryptoKey(kInternal, record);

