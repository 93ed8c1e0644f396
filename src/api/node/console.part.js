// node:console: the global console, and a class that writes to streams.
import { format, inspect } from "./lib/inspect.js";
import { coded } from "./lib/errors.js";

class Console {
  #out;
  #err;
  #options;
  #indent = "";
  #counts = new Map();
  #timers = new Map();

  constructor(stdout, stderr = undefined) {
    const options = typeof stdout?.write === "function" ? { stdout, stderr } : stdout ?? {};
    if (typeof options.stdout?.write !== "function") {
      throw coded(TypeError, "ERR_CONSOLE_WRITABLE_STREAM",
        "Console expects a writable stream instance for stdout");
    }
    this.#out = options.stdout;
    this.#err = options.stderr ?? options.stdout;
    this.#options = options.inspectOptions;
    // Methods may be taken from the object and called alone.
    for (const name of Object.getOwnPropertyNames(Console.prototype)) {
      if (name !== "constructor") this[name] = this[name].bind(this);
    }
  }

  #print(stream, text) {
    stream.write(`${text.replace(/^/gm, this.#indent)}\n`);
  }

  log(...args) {
    this.#print(this.#out, format(...args));
  }
  warn(...args) {
    this.#print(this.#err, format(...args));
  }
  dir(value, options) {
    this.#print(this.#out, inspect(value, { customInspect: false, ...this.#options, ...options }));
  }
  trace(...args) {
    this.warn(`Trace: ${format(...args)}${new Error("").stack.replace(/^[^\n]*/, "")}`);
  }
  assert(condition, ...args) {
    if (condition) return;
    if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
    else args.unshift("Assertion failed");
    this.warn(...args);
  }
  group(...args) {
    if (args.length > 0) this.log(...args);
    this.#indent += "  ";
  }
  groupEnd() {
    this.#indent = this.#indent.slice(2);
  }
  count(label = "default") {
    const count = (this.#counts.get(`${label}`) ?? 0) + 1;
    this.#counts.set(`${label}`, count);
    this.log(`${label}: ${count}`);
  }
  countReset(label = "default") {
    this.#counts.delete(`${label}`);
  }
  time(label = "default") {
    this.#timers.set(`${label}`, performance.now());
  }
  timeLog(label = "default", ...args) {
    const start = this.#timers.get(`${label}`);
    if (start !== undefined)
      this.log(`${label}: ${(performance.now() - start).toFixed(3)}ms`, ...args);
  }
  timeEnd(label = "default") {
    this.timeLog(label);
    this.#timers.delete(`${label}`);
  }
  table(data) {
    this.log(data);
  }
}
const { prototype } = Console;
for (const [name, other] of [[ "debug", "log" ], [ "info", "log" ], [ "dirxml", "log" ],
       [ "error", "warn" ], [ "groupCollapsed", "group" ]]) {
  Object.defineProperty(
    prototype, name, { value : prototype[other], writable : true, configurable : true });
}

const { console } = globalThis;
if (!("Console" in console)) {
  Object.defineProperty(console, "Console", { value: Console, writable: true, configurable: true });
}
const exported = Object.assign(Object.create(console), Object.fromEntries(
  Object.keys(console).map((name) => [name, console[name]])), { Console });

export { Console };
export default exported;
