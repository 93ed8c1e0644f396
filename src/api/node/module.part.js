// node:module.
import { load_part } from "../parts/parts.js";
import { coded } from "./lib/errors.js";
import { refusing_functions } from "./lib/stubs.js";

const builtinModules = [
  "_http_agent",
  "_http_client",
  "_http_common",
  "_http_incoming",
  "_http_outgoing",
  "_http_server",
  "_stream_duplex",
  "_stream_passthrough",
  "_stream_readable",
  "_stream_transform",
  "_stream_wrap",
  "_stream_writable",
  "_tls_common",
  "_tls_wrap",
  "assert",
  "assert/strict",
  "async_hooks",
  "buffer",
  "child_process",
  "cluster",
  "console",
  "constants",
  "crypto",
  "dgram",
  "diagnostics_channel",
  "dns",
  "dns/promises",
  "domain",
  "events",
  "fs",
  "fs/promises",
  "http",
  "http2",
  "https",
  "inspector",
  "inspector/promises",
  "module",
  "net",
  "os",
  "path",
  "path/posix",
  "path/win32",
  "perf_hooks",
  "process",
  "punycode",
  "querystring",
  "readline",
  "readline/promises",
  "repl",
  "stream",
  "stream/consumers",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "sys",
  "timers",
  "timers/promises",
  "tls",
  "trace_events",
  "tty",
  "url",
  "util",
  "util/types",
  "v8",
  "vm",
  "wasi",
  "worker_threads",
  "zlib",
];
const with_prefix_only = ["node:sqlite", "node:test"];

function isBuiltin(specifier) {
  if (typeof specifier !== "string") return false;
  if (with_prefix_only.includes(specifier)) return true;
  return builtinModules.includes(specifier.startsWith("node:") ? specifier.slice(5) : specifier);
}

// A require() of the modules that are built in; files are not there at run time.
function createRequire(path) {
  if (typeof path !== "string" && !(path instanceof URL)) {
    throw coded(TypeError, "ERR_INVALID_ARG_VALUE",
      "The argument 'filename' must be a file URL object, file URL string, or absolute path string.");
  }
  const require = function (specifier) {
    if (!isBuiltin(specifier)) {
      throw coded(Error, "MODULE_NOT_FOUND", `Cannot find module '${specifier}'`);
    }
    const name = specifier.startsWith("node:") ? specifier.slice(5) : specifier;
    return load_part(`node/${name.replaceAll("/", "_")}`).default;
  };
  require.resolve = (specifier) => {
    if (isBuiltin(specifier)) return specifier;
    throw coded(Error, "MODULE_NOT_FOUND", `Cannot find module '${specifier}'`);
  };
  require.cache = { __proto__: null };
  require.extensions = { __proto__: null };
  require.main = undefined;
  return require;
}

function Module(id = "") {
  this.id = id;
  this.exports = {};
  this.loaded = false;
  this.children = [];
  this.paths = [];
}
class SourceMap {
  constructor(payload) {
    this.payload = payload;
  }
}

Object.assign(Module, {
  Module,
  SourceMap,
  builtinModules,
  createRequire,
  isBuiltin,
  _cache: { __proto__ : null },
  _extensions: { __proto__ : null },
  _pathCache: { __proto__ : null },
  globalPaths: [],
  constants: Object.freeze({
    compileCacheStatus :
      Object.freeze({ FAILED : 0, ENABLED : 1, ALREADY_ENABLED : 2, DISABLED : 3 })
  }),
  syncBuiltinESMExports() {},
  findSourceMap: () => undefined,
  enableCompileCache: () => ({ status : 3 }),
  getCompileCacheDir: () => undefined,
  flushCompileCache() {},
  ...refusing_functions("module",
    [
      "register", "registerHooks", "runMain", "findPackageJSON", "stripTypeScriptTypes", "_load",
      "_resolveFilename", "_findPath", "_nodeModulePaths", "_initPaths"
    ]),
});

export { Module, builtinModules, createRequire, isBuiltin };
export default Module;
