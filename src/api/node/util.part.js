// node:util.
import { load_part } from "../parts/parts.js";
import { format, formatWithOptions, inspect, strip_controls } from "./lib/inspect.js";
import { is_deep_strict_equal as isDeepStrictEqual } from "./internal_deep_equal.part.js";
import { types } from "./util_types.part.js";
import { AbortError, coded, invalid_arg_type, invalid_arg_value } from "./lib/errors.js";
import { system_errors } from "./lib/system_errors.js";
import { MIMEParams, MIMEType } from "./lib/mime.js";
import {
  validate_abort_signal,
  validate_function,
  validate_integer,
  validate_object,
  validate_string
} from "./lib/validate.js";

const { TextDecoder, TextEncoder } = globalThis;

const kPromisify = Symbol.for("nodejs.util.promisify.custom");
const kArgs = Symbol("customPromisifyArgs");

function promisify(original) {
  validate_function(original, "original");
  const own = original[kPromisify];
  if (own) {
    validate_function(own, "util.promisify.custom");
    return Object.defineProperty(own, kPromisify, {
      value: own, enumerable: false, writable: false, configurable: true,
    });
  }
  const names = original[kArgs];
  function fn(...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error, ...values) => {
        if (error) return reject(error);
        if (names === undefined || values.length < 2) return resolve(values[0]);
        resolve(Object.fromEntries(names.map((name, i) => [name, values[i]])));
      }]);
    });
  }
  Object.setPrototypeOf(fn, Object.getPrototypeOf(original));
  Object.defineProperty(fn, kPromisify, {
    value: fn, enumerable: false, writable: false, configurable: true,
  });
  const descriptors = Object.getOwnPropertyDescriptors(original);
  return Object.defineProperties(fn, descriptors);
}
promisify.custom = kPromisify;

function callbackify(original) {
  validate_function(original, "original");
  function callbackified(...args) {
    const callback = args.pop();
    validate_function(callback, "last argument");
    Reflect.apply(original, this, args).then(
      (value) => queueMicrotask(() => callback.call(this, null, value)),
      (reason) => queueMicrotask(() => {
        let error = reason;
        if (!reason) {
          error =
            coded(Error, "ERR_FALSY_VALUE_REJECTION", "Promise was rejected with falsy value");
          error.reason = reason;
        }
        callback.call(this, error);
      }));
  }
  const descriptors = Object.getOwnPropertyDescriptors(original);
  if (typeof descriptors.length.value === "number") descriptors.length.value++;
  if (typeof descriptors.name.value === "string") descriptors.name.value += "Callbackified";
  return Object.defineProperties(callbackified, descriptors);
}

function inherits(constructor, parent) {
  validate_function(constructor, "ctor");
  if (parent === undefined || parent === null)
    throw invalid_arg_type("superCtor", "function", parent);
  if (parent.prototype === undefined) {
    throw invalid_arg_type("superCtor.prototype", "object", parent.prototype);
  }
  Object.defineProperty(
    constructor, "super_", { value : parent, writable : true, configurable : true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

function _extend(target, source) {
  return source === null || typeof source !== "object" ? target : Object.assign(target, source);
}

const warned_codes = new Set();

function deprecate(fn, message, code) {
  if (code !== undefined) validate_string(code, "code");
  let warned = false;
  function deprecated(...args) {
    if (!warned && !(code !== undefined && warned_codes.has(code))) {
      if (code !== undefined) warned_codes.add(code);
      console.warn(`DeprecationWarning: ${message}`);
    }
    warned = true;
    return new.target ? Reflect.construct(fn, args, new.target) : Reflect.apply(fn, this, args);
  }
  Object.setPrototypeOf(deprecated, fn);
  if (fn.prototype) deprecated.prototype = fn.prototype;
  return deprecated;
}

// There is no NODE_DEBUG to switch it on.
function debuglog() {
  const log = () => {};
  log.enabled = false;
  return log;
}

function aborted(signal, resource) {
  if (signal === undefined) throw invalid_arg_type("signal", "AbortSignal", signal);
  validate_abort_signal(signal, "signal");
  validate_object(resource, "resource");
  if (signal.aborted) return Promise.resolve();
  return new Promise(
    (resolve) => signal.addEventListener("abort", () => resolve(), { once : true }));
}

const toUSVString = (value) => `${value}`.toWellFormed();

function getSystemErrorName(number) {
  validate_integer(number, "err", Number.MIN_SAFE_INTEGER, -1);
  return system_errors.get(number)?.[0];
}
const getSystemErrorMap = () => new Map(system_errors);
const getSystemErrorMessage = (number) => system_errors.get(number)?.[1];

function _errnoException(number, syscall, original) {
  const code = getSystemErrorName(number);
  const error = new Error(`${syscall} ${code}${original ? ` ${original}` : ""}`);
  return Object.assign(error, { errno: number, code, syscall });
}

function _exceptionWithHostPort(number, syscall, address, port, extra) {
  const code = getSystemErrorName(number);
  const where = port > 0 ? `${address}:${port}` : address;
  const error = new Error(`${syscall} ${code} ${where}${extra ? ` - Local (${extra})` : ""}`);
  return Object.assign(error, { errno: number, code, syscall, address, ...(port && { port }) });
}

// text: a style of inspect.colors, or several
function styleText(style, text, { validateStream = true, stream } = {}) {
  validate_string(text, "text");
  void validateStream, stream;
  let open = "", close = "";
  for (const name of Array.isArray(style) ? style : [style]) {
    if (name === "none") continue;
    const codes = inspect.colors[name];
    if (codes === undefined)
      throw invalid_arg_value("format", name, "must be a style of inspect.colors");
    open += `\u001b[${codes[0]}m`;
    close = `\u001b[${codes[1]}m${close}`;
  }
  return `${open}${text}${close}`;
}

function stripVTControlCharacters(text) {
  validate_string(text, "str");
  return strip_controls(text);
}

function parseEnv(content) {
  validate_string(content, "content");
  const env = {};
  const line = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*("(?:\\.|[^"])*"|'[^']*'|`[^`]*`|[^#\n]*)?/gm;
  for (const [, name, raw = ""] of content.matchAll(line)) {
    let value = raw.trim();
    const quote = value[0];
    if (value.length > 1 && "\"'`".includes(quote) && value.at(-1) === quote) {
      value = value.slice(1, -1);
      if (quote === "\"") value = value.replaceAll("\\n", "\n");
    }
    env[name] = value;
  }
  return env;
}

function getCallSites(count = 8) {
  const limit = Error.stackTraceLimit;
  const prepare = Error.prepareStackTrace;
  Error.stackTraceLimit = (typeof count === "number" ? count : 8) + 1;
  Error.prepareStackTrace = (_, sites) => sites.map((site) => ({
    functionName: site.getFunctionName() ?? "", scriptName: site.getFileName() ?? "",
    scriptId: "0", lineNumber: site.getLineNumber(), columnNumber: site.getColumnNumber(),
    column: site.getColumnNumber(),
  }));
  try {
    const { stack } = new Error("");
    return Array.isArray(stack) ? stack.slice(1) : [];
  } finally {
    Error.stackTraceLimit = limit;
    Error.prepareStackTrace = prepare;
  }
}

function parseArgs(config) {
  return load_part("node/internal_parse_args").parseArgs(config);
}

const transferableAbortController = () => new AbortController();
const transferableAbortSignal = (signal) => {
  validate_abort_signal(signal, "signal");
  return signal;
};

const log = (...args) =>
  globalThis.console.log("%s - %s", new Date().toLocaleTimeString(), format(...args));
const legacy = {
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === "boolean",
  isBuffer: (value) => value instanceof Uint8Array && typeof value.readUInt8 === "function",
  isDate: types.isDate,
  isError: (value) => types.isNativeError(value) || value instanceof Error,
  isFunction: (value) => typeof value === "function",
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === "number",
  isObject: (value) => value !== null && typeof value === "object",
  isPrimitive: (value) =>
    value === null || (typeof value !== "object" && typeof value !== "function"),
  isRegExp: types.isRegExp,
  isString: (value) => typeof value === "string",
  isSymbol: (value) => typeof value === "symbol",
  isUndefined: (value) => value === undefined,
};
const { isArray } = legacy;

export {
  AbortError,
  MIMEParams,
  MIMEType,
  TextDecoder,
  TextEncoder,
  _extend,
  aborted,
  callbackify,
  debuglog,
  deprecate,
  format,
  formatWithOptions,
  inherits,
  inspect,
  isArray,
  isDeepStrictEqual,
  parseArgs,
  promisify,
  stripVTControlCharacters,
  styleText,
  toUSVString,
  types,
};
export default {
  MIMEParams, MIMEType, TextDecoder, TextEncoder, _errnoException, _exceptionWithHostPort, _extend,
  aborted, callbackify, debug: debuglog, debuglog, deprecate, format, formatWithOptions,
  getCallSite: getCallSites, getCallSites, getSystemErrorMap, getSystemErrorMessage,
  getSystemErrorName, inherits, inspect, isDeepStrictEqual, log, parseArgs, parseEnv, promisify,
  stripVTControlCharacters, styleText, toUSVString, transferableAbortController,
  transferableAbortSignal, types, ...legacy,
};
