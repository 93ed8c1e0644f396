// The runtime's JavaScript, bundled from here. The order of the imports is the order in which
// globals appear; what native code calls goes out as `hooks`.
import { ops } from "./base/ops.js";
import "./base/primordials.js";
import "./dom/dom_exception.js";
import "./dom/event_target.js";
import "./dom/abort.js";
import "./streams/streams.js";
import "./encoding/encoding.js";
import "./blob/blob.js";
import "./blob/form_data.js";
import "./url/url.js";
import "./console/console.js";
import "./structured_clone/structured_clone.js";
import "./websocket/websocket.js";
import "./fetch/headers.js";
import "./fetch/request.js";
import "./fetch/response.js";
import "./fetch/fetch.js";
import "./console/platform.js";
import "./timers/timers.js";
import "./crypto/crypto.js";
import "./performance/globals.js";
import "./lazy_globals.js";
import { expose_function, expose_value } from "./base/expose.js";
import { ObjectDefineProperty, ObjectFreeze } from "./base/primordials.js";
import { require_args } from "./base/webidl.js";
import { dispatch_fetch, dispatch_test } from "./event/dispatch.js";
import { report_error } from "./event/event.js";
import { unhandled_rejection } from "./event/service_worker.js";
import { before_main, builtin_module, list_tests, set_main } from "./modules/entry.js";
import { expose_lazy, load_part } from "./parts/parts.js";
import { timer_fire } from "./timers/timers.js";
import { web_socket_event } from "./websocket/websocket.js";
import { has_flag, needs_legacy, set_flags } from "./base/flags.js";

ObjectDefineProperty(globalThis, "self", {
  __proto__: null, value: globalThis, writable: true, enumerable: true, configurable: true,
});
expose_function(function (error) {
  require_args(arguments.length, 1, "reportError", "ServiceWorkerGlobalScope");
  report_error(error);
}, "reportError");

// The globals of Node.js, each made when it is first looked at.
function expose_node_globals() {
  expose_value("global", globalThis);
  expose_lazy("process", "node/process");
  expose_lazy("Buffer", "node/buffer");
  expose_lazy("setImmediate", "node/timers");
  expose_lazy("clearImmediate", "node/timers");
  if (!has_flag("enable_nodejs_global_timers")) return;
  expose_lazy("setTimeout", "node/timers");
  expose_lazy("setInterval", "node/timers");
  expose_lazy("clearTimeout", "node/timers");
  expose_lazy("clearInterval", "node/timers");
}

let warming_up = true;  // at build time, when there are no flags and no parts

// Once, before the worker's top level. vars, bindings: as before_main; flags: names of the
// compatibility flags in effect.
function configure(vars, flags, bindings) {
  const compatibilityFlags = { __proto__: null };
  for (let i = 0; i < flags.length; i++) compatibilityFlags[flags[i]] = true;
  set_flags(compatibilityFlags);
  expose_value("Cloudflare",
    ObjectFreeze({ compatibilityFlags: ObjectFreeze(compatibilityFlags) }));
  if (!warming_up && needs_legacy()) load_part("compat/legacy").apply();
  if (has_flag("nodejs_compat_v2")) expose_node_globals();
  before_main(vars, bindings);
}

ops.set_hooks({
  configure,
  set_main,
  dispatch_fetch,
  dispatch_test,
  list_tests,
  timer_fire,
  builtin_module,
  unhandled_rejection,
  web_socket_event,
  load_part,
});

// What most workers run is compiled here, into the snapshot: their first request need not wait for
// the compiler. Nobody hears the answers, for there is no event of this id.
function warm_up() {
  const id = 1;
  const visit = (handler) => {
    configure([], [], []);
    set_main({ __proto__: null, default: { fetch: handler } });
    dispatch_fetch(id, "GET", "http://warm.up/");
  };
  visit(() => new Response("text"));
  visit(async () => new Response("text", { status: 201,
    headers: { "Content-Type": "text/plain" } }));
  visit((request) => {
    const url = new URL(request.url);
    url.searchParams.get("name");
    const headers = new Headers();
    headers.set("X-A", url.pathname + request.method);
    return Response.json({ headers: [headers.get("x-a")] }, { headers });
  });
  visit((request, env, ctx) => ctx.waitUntil(request.headers.get("accept")));
  set_main(undefined);
  list_tests();
  builtin_module("cloudflare:workers");
}
warm_up();
warming_up = false;
