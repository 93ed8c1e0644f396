// What Workers of old compatibility dates find otherwise, where that is a matter of which globals and
// members there are. Behaviour that differs inside of an API asks for its flag there.
import { has_flag } from "../base/flags.js";
import { Headers } from "../fetch/headers.js";
import { ObjectDefineProperty, ReflectDeleteProperty } from "../base/primordials.js";
import { IdentityTransformStream } from "../streams/writable.part.js";

const global = globalThis;

function remove(flag, object, name) {
  if (!has_flag(flag)) ReflectDeleteProperty(object, name);
}

// Before the worker's top level.
export function apply() {
  remove("http_headers_getsetcookie", Headers.prototype, "getSetCookie");
  remove("global_navigator", global, "navigator");
  remove("enable_navigator_language", global.Navigator.prototype, "language");
  remove("enable_navigator_language", global.Navigator.prototype, "languages");
  remove("enable_weak_ref", global, "WeakRef");
  remove("enable_weak_ref", global, "FinalizationRegistry");
  remove("expose_global_message_channel", global, "MessageChannel");
  remove("expose_global_message_channel", global, "MessagePort");
  if (!has_flag("transformstream_enable_standard_constructor")) {
    ObjectDefineProperty(global, "TransformStream", {
      __proto__: null, value: IdentityTransformStream, writable: true, configurable: true,
    });
  }
}
