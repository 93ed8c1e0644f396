// Loads the parts of the runtime that are not in the snapshot, each at its first use in an isolate.
import { ops } from "../base/ops.js";

const { part_compile, part_ops, part_lazy_global } = ops;

// What parts share with the snapshot, by the numbers that the bundler gave; set once, at build time.
let core = null;
export function set_core(list) {
  core = list;
}

const loaded = { __proto__: null };

// The exports of a part, by their names.
export function load_part(name) {
  const known = loaded[name];
  if (known !== undefined) return known;
  const exports = { __proto__: null };
  part_compile(name)(part_ops(name), core, load_part, exports);
  return (loaded[name] = exports);
}

// A global that is an export of the part `part`. Reading it, or asking for its descriptor, loads the
// part; to JavaScript it is an ordinary data property.
export function expose_lazy(name, part) {
  part_lazy_global(name, part);
}
