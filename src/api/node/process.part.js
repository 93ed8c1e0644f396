// node:process, and the global `process`. A Worker is no process: what it has of one is what
// Workers give (an environment, a platform's name, nextTick), and what ends or changes one refuses.
import { has_flag } from "../base/flags.js";
import { env_object } from "../modules/entry.js";
import { load_part } from "../parts/parts.js";
import { EventEmitter } from "./events.part.js";
import { coded, invalid_arg_type, not_implemented, refusing } from "./lib/errors.js";
import { next_tick as nextTick } from "./lib/next_tick.js";
import { cwd as bundle } from "./lib/path_posix.js";
import { validate_string } from "./lib/validate.js";

const plain = (value) => typeof value === "number" || typeof value === "boolean" ||
  Array.isArray(value) ||
  (typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype);

function initial_env() {
  const env = {};
  if (!has_flag("nodejs_compat_populate_process_env")) return env;
  const bindings = env_object();
  for (const name of Object.keys(bindings)) {
    const value = bindings[name];
    if (typeof value === "string") env[name] = value;
    else if (plain(value)) env[name] = JSON.stringify(value);
  }
  return env;
}

// Values are strings, as in Node.js.
const env = new Proxy(initial_env(), {
  set(target, name, value) {
    if (typeof name === "symbol" || typeof value === "symbol") {
      throw new TypeError("Cannot convert a Symbol value to a string");
    }
    target[name] = `${value}`;
    return true;
  },
  defineProperty(target, name, descriptor) {
    if (!("value" in descriptor)) {
      throw coded(TypeError, "ERR_INVALID_OBJECT_DEFINE_PROPERTY",
        "'process.env' does not accept an accessor(getter/setter) descriptor");
    }
    return Reflect.defineProperty(target, name, { ...descriptor, value: `${descriptor.value}` });
  },
});

const version = has_flag("nodejs_process_version_24") ? "v24.12.0" : "v22.19.0";
const versions =
  Object.freeze({ __proto__ : null, node : version.slice(1), v8 : "15.0.245", modules : "127" });
const release = { name: "node", lts: true };
const features = Object.freeze({
  inspector: false,
  debug: false,
  uv: false,
  ipv6: true,
  tls_alpn: true,
  tls_sni: true,
  tls_ocsp: false,
  tls: true,
  cached_builtins: true,
  require_module: true,
  typescript: false,
});

// A line of the console for each line that is written.
function output(fd, write_line) {
  let rest = "";
  const stream = new EventEmitter();
  return Object.assign(stream, {
    fd,
    isTTY: false,
    writable: true,
    columns: 80,
    rows: 24,
    write(chunk, encoding, done) {
      const lines =
        (rest + (typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))).split("\n");
      rest = lines.pop();
      for (const line of lines)
        write_line(line);
      const then = typeof encoding === "function" ? encoding : done;
      if (then)
        queueMicrotask(() => then());
      return true;
    },
    end() {
      if (rest !== "")
        write_line(rest);
      rest = "";
    },
  });
}

let current = bundle;
let mask = 0o22;
let title = "workerd";

function hrtime(since) {
  const now = Date.now();
  const [seconds, nanos] = [Math.floor(now / 1000), now % 1000 * 1e6];
  if (since === undefined) return [seconds, nanos];
  if (!Array.isArray(since)) throw invalid_arg_type("time", "Array", since);
  const difference = nanos - since[1];
  return [
    seconds - since[0] - (difference < 0 ? 1 : 0), difference < 0 ? difference + 1e9 : difference
  ];
}
hrtime.bigint = () => BigInt(Date.now()) * 1000000n;

function memoryUsage() {
  return { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 };
}
memoryUsage.rss = () => 0;

function emitWarning(warning, type = "Warning", code = undefined) {
  const options = typeof type === "object" && type !== null ? type : { type, code };
  const error = warning instanceof Error ? warning : Object.assign(new Error(`${warning}`), {
    name: options.type || "Warning",
  });
  if (options.code) error.code = options.code;
  queueMicrotask(() => {
    console.warn(`${error.name}: ${error.message}`);
    process.emit("warning", error);
  });
}

class Process extends EventEmitter {
  get [Symbol.toStringTag]() {
    return "process";
  }
  get stdout() {
    return streams.stdout ??= output(1, console.log);
  }
  get stderr() {
    return streams.stderr ??= output(2, console.error);
  }
  get stdin() {
    return streams.stdin ??= Object.assign(new (load_part("node/stream").Readable)({ read() {
      this.push(null);
    } }), { fd: 0, isTTY: false });
  }
  get title() {
    return title;
  }
  set title(value) {
    title = `${value}`;
  }
}
const streams = { __proto__: null };

const process = new Process();
Object.assign(process, {
  env,
  version,
  versions,
  release,
  features,
  nextTick,
  hrtime,
  memoryUsage,
  emitWarning,
  arch: "x64",
  platform: "linux",
  pid: 1,
  ppid: 0,
  argv: [ "workerd" ],
  argv0: "workerd",
  execPath: "",
  execArgv: [],
  exitCode: undefined,
  debugPort: 0,
  config: { target_defaults : {}, variables : {} },
  allowedNodeEnvironmentFlags: new Set(),
  noDeprecation: false,
  throwDeprecation: false,
  traceDeprecation: false,
  permission: undefined,
  report: undefined,
  moduleLoadList: [],
  cwd: () => current,
  chdir(folder) {
    validate_string(folder, "directory");
    current = load_part("node/path").resolve(current, folder);
  },
  umask(value) {
    const before = mask;
    if (value !== undefined)
      mask = (typeof value === "string" ? parseInt(value, 8) : value) & 0o777;
    return before;
  },
  uptime: () => performance.now() / 1000,
  availableMemory: () => 128 * 1024 * 1024,
  constrainedMemory: () => 128 * 1024 * 1024,
  cpuUsage: () => ({ user : 0, system : 0 }),
  resourceUsage: () => ({ userCPUTime : 0, systemCPUTime : 0, maxRSS : 0 }),
  getuid: () => 0,
  geteuid: () => 0,
  getgid: () => 0,
  getegid: () => 0,
  getgroups: () => [0],
  exit(code) {
    throw coded(Error, "ERR_WORKER_PROCESS_EXIT",
      `process.exit(${code ?? process.exitCode ?? 0}) was called: ` +
        "a Worker cannot end its process");
  },
  abort() {
    throw not_implemented("process.abort");
  },
  getBuiltinModule(id) {
    validate_string(id, "id");
    const name = id.startsWith("node:") ? id.slice(5) : id;
    return load_part("node/module").isBuiltin(id)
      ? load_part(`node/${name.replaceAll("/", "_")}`).default : undefined;
  },
  setUncaughtExceptionCaptureCallback: refusing("process.setUncaughtExceptionCaptureCallback"),
  hasUncaughtExceptionCaptureCallback: () => false,
  setSourceMapsEnabled() {},
  getActiveResourcesInfo: () => [],
  ref() {},
  unref() {},
  finalization: { register() {}, registerBeforeExit() {}, unregister() {} },
  emitExperimentalWarning() {},
});
for (const name of ["kill", "dlopen", "binding", "setuid", "setgid", "seteuid", "setegid",
       "setgroups", "initgroups", "loadEnvFile", "execve"]) {
  process[name] = refusing(`process.${name}`);
}

export { env, nextTick, process };
export default process;
