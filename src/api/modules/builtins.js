// The built-in modules that are parts: the specifier, and the part whose exports the module has.
import { load_part } from "../parts/parts.js";

const parts = {
  __proto__: null,
  "cloudflare:sockets": "sockets/sockets",
};

// The module's exports; undefined where there is none of that name.
export function builtin_part(specifier) {
  const part = parts[specifier];
  return part === undefined ? undefined : load_part(part);
}
