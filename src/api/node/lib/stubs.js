// What Workers have no way to do: functions and classes that are there, and say so when they are
// used.
import { not_implemented, refusing } from "./errors.js";

// An object of functions that refuse: names of the module's functions.
export function refusing_functions(module, names) {
  return Object.fromEntries(names.map((name) => [name, refusing(`${module}.${name}`)]));
}

// A class whose instances cannot be made.
export function refusing_class(module, name, Base = Object) {
  return { [name]: class extends Base {
    constructor() {
      super();
      throw not_implemented(`${module}.${name}`);
    }
  } }[name];
}
