// `iterable<K, V>` of Web IDL for Headers, URLSearchParams and FormData: entries, keys, values,
// forEach and an iterator of its own prototype that follows changes of the list as the standard
// says.
import { illegal_invocation, require_args, to_callback } from "./webidl.js";
import {
  FunctionPrototypeCall,
  IteratorPrototype,
  ObjectDefineProperty,
  SymbolIterator,
  SymbolToStringTag,
} from "./primordials.js";

const kEntries = 0;
const kKeys = 1;
const kValues = 2;

// pairs_of(object): the current [[key, value], …], or undefined when it is not a `name`.
export function define_pair_iterable(cls, name, pairs_of) {
  class PairIterator {
    #object;
    #kind;
    #index = 0;
    constructor(object, kind) {
      this.#object = object;
      this.#kind = kind;
    }
    next() {
      const pairs = pairs_of(this.#object);
      const index = this.#index;
      if (index >= pairs.length) return { value: undefined, done: true };
      this.#index = index + 1;
      const pair = pairs[index];
      const value = this.#kind === kKeys ? pair[0] : this.#kind === kValues ? pair[1] :
        [pair[0], pair[1]];
      return { value, done: false };
    }
  }
  const prototype = PairIterator.prototype;
  const next = prototype.next;
  delete prototype.constructor;
  Object.setPrototypeOf(prototype, IteratorPrototype);
  ObjectDefineProperty(prototype, "next", {
    __proto__: null, value: next, writable: true, enumerable: true, configurable: true,
  });
  ObjectDefineProperty(prototype, SymbolToStringTag, {
    __proto__: null, value: `${name} Iterator`, writable: false, enumerable: false,
    configurable: true,
  });

  const check = (object) => {
    const pairs = typeof object === "object" && object !== null ? pairs_of(object) : undefined;
    if (pairs === undefined) throw illegal_invocation();
    return pairs;
  };
  const methods = {
    entries() {
      check(this);
      return new PairIterator(this, kEntries);
    },
    keys() {
      check(this);
      return new PairIterator(this, kKeys);
    },
    values() {
      check(this);
      return new PairIterator(this, kValues);
    },
    forEach(callback, this_arg = undefined) {
      let pairs = check(this);
      require_args(arguments.length, 1, "forEach", name);
      to_callback(callback, "The callback of forEach");
      for (let i = 0; i < pairs.length; i++) {
        FunctionPrototypeCall(callback, this_arg, pairs[i][1], pairs[i][0], this);
        pairs = pairs_of(this);
      }
    },
  };
  const define = (key, value, enumerable) => ObjectDefineProperty(cls.prototype, key, {
    __proto__: null, value, writable: true, enumerable, configurable: true,
  });
  define("entries", methods.entries, true);
  define("keys", methods.keys, true);
  define("values", methods.values, true);
  define("forEach", methods.forEach, true);
  define(SymbolIterator, methods.entries, false);
}
