// The compatibility flags in effect, for the JavaScript that asks for them. Set once, before the
// worker's top level.
let flags = { __proto__: null };

export function set_flags(table) {
  flags = table;
}

export function has_flag(name) {
  return flags[name] === true;
}
