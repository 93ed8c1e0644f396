// How the runtime's things become globals, with the property attributes that Web IDL asks for.
import { ops } from "./ops.js";
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SymbolToStringTag,
} from "./primordials.js";

const { structured_clone_mark } = ops;
const global = globalThis;

function make_members_enumerable(object, skip) {
  const keys = ReflectOwnKeys(object);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (typeof key === "symbol" || key === skip || key === "name" || key === "length" ||
        key === "prototype") {
      continue;
    }
    const descriptor = ObjectGetOwnPropertyDescriptor(object, key);
    if (!descriptor.configurable) continue;
    descriptor.enumerable = true;
    ObjectDefineProperty(object, key, descriptor);
  }
}

// Prepares a class as Web IDL describes interfaces, without making it a global.
export function finish_class(cls, name) {
  const { prototype } = cls;
  const keys = ReflectOwnKeys(prototype);
  for (let i = 0; i < keys.length; i++) {
    if (typeof keys[i] === "symbol" || keys[i] === "constructor") continue;
    const descriptor = ObjectGetOwnPropertyDescriptor(prototype, keys[i]);
    descriptor.enumerable = true;
    ObjectDefineProperty(prototype, keys[i], descriptor);
  }
  make_members_enumerable(cls, "constructor");
  structured_clone_mark(prototype);
  ObjectDefineProperty(prototype, SymbolToStringTag, {
    __proto__: null, value: name, writable: false, enumerable: false, configurable: true,
  });
  ObjectDefineProperty(cls, "name", {
    __proto__: null, value: name, writable: false, enumerable: false, configurable: true,
  });
}

// A class as a global interface object.
export function expose_class(cls, name) {
  finish_class(cls, name);
  ObjectDefineProperty(global, name, {
    __proto__: null, value: cls, writable: true, enumerable: false, configurable: true,
  });
}

// A constant of an interface (Event.NONE): on the class and on its prototype.
export function expose_constant(cls, name, value) {
  const descriptor = {
    __proto__: null, value, writable: false, enumerable: true, configurable: false,
  };
  ObjectDefineProperty(cls, name, descriptor);
  ObjectDefineProperty(cls.prototype, name, descriptor);
}

// A global operation (setTimeout, atob).
export function expose_function(fn, name) {
  ObjectDefineProperty(fn, "name", { __proto__: null, value: name, configurable: true });
  ObjectDefineProperty(global, name, {
    __proto__: null, value: fn, writable: true, enumerable: true, configurable: true,
  });
}

// Any other global.
export function expose_value(name, value, enumerable = false) {
  ObjectDefineProperty(global, name, {
    __proto__: null, value, writable: true, enumerable, configurable: true,
  });
}
