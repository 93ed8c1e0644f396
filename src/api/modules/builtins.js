// The built-in modules that are parts: the specifier, and the part whose exports the module has.
import { ops } from "../base/ops.js";
import {
  ObjectKeys,
  StringPrototypeReplaceAll,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
} from "../base/primordials.js";
import { load_part } from "../parts/parts.js";

const { part_known } = ops;

const parts = {
  __proto__: null,
  "cloudflare:node": "node/internal_server",
  "cloudflare:sockets": "sockets/sockets",
};

// A module of Node.js's, "node:fs/promises" or "fs/promises": the part of that name, whose default
// export's members are exports too. Whether the worker may have it is the broker's to say.
function node_module(specifier) {
  const name = StringPrototypeStartsWith(specifier, "node:") ? StringPrototypeSlice(specifier, 5)
    : specifier;
  const part = "node/" + StringPrototypeReplaceAll(name, "/", "_");
  if (StringPrototypeStartsWith(name, "internal_") || !part_known(part)) return undefined;
  const { default: object } = load_part(part);
  const exports = { __proto__: null };
  const keys = ObjectKeys(object);
  for (let i = 0; i < keys.length; i++) exports[keys[i]] = object[keys[i]];
  exports.default = object;
  return exports;
}

// The module's exports; undefined where there is none of that name.
export function builtin_part(specifier) {
  const part = parts[specifier];
  return part === undefined ? node_module(specifier) : load_part(part);
}
