// The compatibility flags in effect, for the JavaScript that asks for them. Set once, before the
// worker's top level.
let flags = { __proto__: null };

export function set_flags(table) {
  flags = table;
}

export function has_flag(name) {
  return flags[name] === true;
}

// The flags that compat/legacy.part.js looks at.
const legacy = ["http_headers_getsetcookie", "global_navigator", "enable_navigator_language",
  "enable_weak_ref", "expose_global_message_channel", "transformstream_enable_standard_constructor"];

export function needs_legacy() {
  for (let i = 0; i < legacy.length; i++) {
    if (!has_flag(legacy[i])) return true;
  }
  return false;
}
