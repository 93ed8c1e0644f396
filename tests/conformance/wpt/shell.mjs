// Runs one file of the web-platform-tests in a Worker: gives it the globals that it expects of a
// worker and that Workers have not, and reports what came of it. `main.mjs` of each test calls it.

// What is used after the test has begun, for tests rewrite globals.
const { fetch, setTimeout, clearTimeout, URL, Promise } = globalThis;
const { stringify } = JSON;
const { apply, construct } = Reflect;

function define(name, value) {
  Object.defineProperty(globalThis, name, {
    value, writable: true, enumerable: true, configurable: true,
  });
}

function add_globals(config) {
  const url = new URL(config.url);
  const location = {};
  for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"])
    location[name] = url[name];
  location.toString = () => url.href;
  const own = Object.getOwnPropertyDescriptor(globalThis, "location");
  if (own === undefined || own.configurable) define("location", location);
  // testharness.js would wait for a service worker's events.
  delete globalThis.ServiceWorkerGlobalScope;
  const is_window = config.url.includes(".window.");
  define("GLOBAL", {
    isWindow: () => is_window, isWorker: () => !is_window, isShadowRealm: () => false,
  });
  define("importScripts", () => {});  // what .worker.js files include is here already
  if (globalThis.self === undefined) define("self", globalThis);
}

// Tests name what they fetch relative to themselves. Workers have no such base.
function add_base_url(config) {
  const absolute = (input) => {
    if (typeof input !== "string" && !(input instanceof URL)) return input;
    try {
      return new URL(input, config.url).href;
    } catch {
      return input;
    }
  };
  globalThis.fetch = new Proxy(fetch, {
    apply(target, self, args) {
      if (args.length > 0) args[0] = absolute(args[0]);
      return apply(target, self, args);
    },
  });
  for (const name of ["Request", "EventSource"]) {
    if (globalThis[name] === undefined) continue;
    const proxy = globalThis[name] = new Proxy(globalThis[name], {
      construct(target, args, new_target) {
        if (args.length > 0) args[0] = absolute(args[0]);
        return construct(target, args, new_target === proxy ? target : new_target);
      },
    });
  }
}

// Workers call "default" what browsers call "basic": a response of the page's own origin. Many a test
// looks at that before it comes to its point.
function add_basic_type() {
  const type = Object.getOwnPropertyDescriptor(Response.prototype, "type");
  const url = Object.getOwnPropertyDescriptor(Response.prototype, "url");
  Object.defineProperty(Response.prototype, "type", {
    ...type,
    get: Object.getOwnPropertyDescriptor({
      get type() {
        const value = apply(type.get, this, []);
        return value === "default" && apply(url.get, this, []) !== "" ? "basic" : value;
      },
    }, "type").get,
  });
}

// config: {url, report, timeout_ms}; run(loaded): the test's scripts, which call loaded() once
// testharness.js is there.
export function run_case(config, run) {
  return new Promise((finished) => {
    let timer;
    let reported = false;
    const report = (status, message, tests) => {
      if (reported) return;
      reported = true;
      clearTimeout(timer);
      const body = stringify({
        status, message,
        tests: tests.map((test) => ({ name: test.name, status: test.status, message: test.message ?? "" })),
      });
      fetch(config.report, { method: "POST", body }).then(finished, finished);
    };
    add_globals(config);
    add_base_url(config);
    add_basic_type();
    let harness_timeout;
    const so_far = [];
    const loaded = () => {
      harness_timeout = globalThis.timeout;
      // idlharness.js asks what kind of global this is; testharness.js has asked before.
      define("DedicatedWorkerGlobalScope", class DedicatedWorkerGlobalScope {
        static [Symbol.hasInstance](value) { return value === globalThis; }
      });
      globalThis.add_result_callback((test) => so_far.push(test));
      globalThis.add_completion_callback((tests, status) => {
        report(status.status, status.message ?? "", tests);
      });
    };
    timer = setTimeout(() => harness_timeout(), config.timeout_ms);
    try {
      run(loaded);
      if (config.url.includes(".worker.js")) globalThis.done();
    } catch (error) {
      report(1, `${error}\n${error?.stack}`, so_far);
    }
  });
}
