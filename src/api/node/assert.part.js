// node:assert.
import { is_deep_equal, is_deep_strict_equal } from "./internal_deep_equal.part.js";
import { inspect } from "./lib/inspect.js";
import { types } from "./util_types.part.js";
import { coded, invalid_arg_type, invalid_arg_value, missing_args } from "./lib/errors.js";
import { validate_function, validate_object } from "./lib/validate.js";

const texts = {
  deepStrictEqual: "Expected values to be strictly deep-equal:",
  strictEqual: "Expected values to be strictly equal:",
  strictEqualObject: "Expected \"actual\" to be reference-equal to \"expected\":",
  deepEqual: "Expected values to be loosely deep-equal:",
  notDeepStrictEqual: "Expected \"actual\" not to be strictly deep-equal to:",
  notStrictEqual: "Expected \"actual\" to be strictly unequal to:",
  notStrictEqualObject: "Expected \"actual\" not to be reference-equal to \"expected\":",
  notDeepEqual: "Expected \"actual\" not to be loosely deep-equal to:",
};

function shown(value) {
  return inspect(value, {
    compact: false, customInspect: false, depth: 1000, maxArrayLength: Infinity, showHidden: false,
    showProxy: false, sorted: true, getters: true, breakLength: Infinity,
  });
}

// The lines of both texts side by side, by their longest common subsequence.
function diff(actual, expected) {
  const [a, b] = [actual.split("\n"), expected.split("\n")];
  if (a.length * b.length > 1e6) return `+ ${a.join("\n+ ")}\n- ${b.join("\n- ")}`;
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const lines = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`  ${a[i++]}`);
      j++;
    } else if (i < a.length && (j === b.length || lengths[i + 1][j] >= lengths[i][j + 1])) {
      lines.push(`+ ${a[i++]}`);
    } else {
      lines.push(`- ${b[j++]}`);
    }
  }
  return lines.join("\n");
}

const is_object = (value) =>
  (typeof value === "object" && value !== null) || typeof value === "function";

function message_of({ actual, expected, operator }) {
  if (operator === "deepStrictEqual" || operator === "strictEqual") {
    const [one, other] = [shown(actual), shown(expected)];
    const same_object = operator === "strictEqual" && is_object(actual) && is_object(expected);
    if (one === other) {
      return `Values have same structure but are not reference-equal:\n\n${one}\n`;
    }
    if (operator === "strictEqual" && !is_object(actual) && !is_object(expected) &&
        !one.includes("\n") && !other.includes("\n") && one.length + other.length <= 12 * 2 &&
        (actual !== 0 || expected !== 0)) {
      return `${texts.strictEqual}\n\n${one} !== ${other}\n`;
    }
    return `${texts[same_object ? "strictEqualObject" : operator]}\n+ actual - expected\n\n${
      diff(one, other)}\n`;
  }
  if (operator === "notDeepStrictEqual" || operator === "notStrictEqual") {
    const key =
      operator === "notStrictEqual" && is_object(actual) ? "notStrictEqualObject" : operator;
    const text = shown(actual);
    return text.includes("\n") ? `${texts[key]}\n\n${text}\n` : `${texts[key]} ${text}`;
  }
  if (operator === "deepEqual") {
    return `${texts.deepEqual}\n\n${shown(actual)}\n\nshould loosely deep-equal\n\n${
      shown(expected)}`;
  }
  if (operator === "notDeepEqual") {
    return `${texts.notDeepEqual}\n\n${shown(actual)}\n\nshould not loosely deep-equal\n\n${
      shown(expected)}`;
  }
  return `${shown(actual)} ${operator} ${shown(expected)}`;
}

export class AssertionError extends Error {
  constructor(options) {
    validate_object(options, "options");
    const { message, operator, stackStartFn, stackStartFunction, actual, expected } = options;
    const limit = Error.stackTraceLimit;
    super(message !== undefined && message !== null ? String(message) : message_of(options));
    Error.stackTraceLimit = limit;
    this.generatedMessage = message === undefined || message === null;
    Object.defineProperty(this, "name", {
      value: "AssertionError [ERR_ASSERTION]",
      enumerable: false,
      writable: true,
      configurable: true,
    });
    this.code = "ERR_ASSERTION";
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
    Error.captureStackTrace?.(this, stackStartFn || stackStartFunction);
    void this.stack;
    this.name = "AssertionError";
  }
  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

function fail_with(options, message) {
  if (message instanceof Error) throw message;
  throw new AssertionError({ ...options, message });
}

function need(args, ...names) {
  if (args.length < names.length) throw missing_args(...names);
}

// An assertion of two values.
function comparing(operator, holds) {
  return { [operator](actual, expected, message) {
    need(arguments, "actual", "expected");
    if (!holds(actual, expected)) {
      fail_with({ actual, expected, operator, stackStartFn: assertions[operator] }, message);
    }
  } }[operator];
}

const loosely = (a, b) => a == b || (Number.isNaN(a) && Number.isNaN(b));
const assertions = {
  deepEqual: comparing("deepEqual", is_deep_equal),
  notDeepEqual: comparing("notDeepEqual", (a, b) => !is_deep_equal(a, b)),
  deepStrictEqual: comparing("deepStrictEqual", is_deep_strict_equal),
  notDeepStrictEqual: comparing("notDeepStrictEqual", (a, b) => !is_deep_strict_equal(a, b)),
  strictEqual: comparing("strictEqual", Object.is),
  notStrictEqual: comparing("notStrictEqual", (a, b) => !Object.is(a, b)),
  partialDeepStrictEqual: comparing("partialDeepStrictEqual", partially_equal),
};

function equal(actual, expected, message) {
  need(arguments, "actual", "expected");
  if (!loosely(actual, expected)) {
    fail_with({ actual, expected, operator: "==", stackStartFn: equal }, message);
  }
}

function notEqual(actual, expected, message) {
  need(arguments, "actual", "expected");
  if (loosely(actual, expected)) {
    fail_with({ actual, expected, operator: "!=", stackStartFn: notEqual }, message);
  }
}

// Whether all of `expected` is found in `actual`.
function partially_equal(actual, expected) {
  if (!is_object(actual) || !is_object(expected)) return Object.is(actual, expected);
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false;
  if (types.isMap(expected)) {
    return [...expected ].every(
      ([ key, value ]) => actual.has(key) && partially_equal(actual.get(key), value));
  }
  if (types.isSet(expected)) {
    const rest = [...actual];
    return [...expected].every((value) => {
      const at = rest.findIndex((other) => partially_equal(other, value));
      if (at >= 0) rest.splice(at, 1);
      return at >= 0;
    });
  }
  if (Array.isArray(expected)) {
    let from = 0;
    return expected.every((value) => {
      while (from < actual.length && !partially_equal(actual[from], value)) from++;
      return from++ < actual.length;
    });
  }
  if (ArrayBuffer.isView(expected) || types.isAnyArrayBuffer(expected) || types.isDate(expected) ||
      types.isRegExp(expected)) {
    return is_deep_strict_equal(actual, expected);
  }
  return Reflect.ownKeys(expected).every(
    (key) => key in actual && partially_equal(actual[key], expected[key]));
}

function inner_ok(fn, args) {
  const [value, message] = args;
  if (value) return;
  let text = message;
  let generated = false;
  if (args.length === 0) {
    generated = true;
    text = "No value argument passed to `assert.ok()`";
  } else if (message === undefined || message === null) {
    generated = true;
    text = "The expression evaluated to a falsy value";
  } else if (message instanceof Error) {
    throw message;
  }
  const error = new AssertionError(
    { actual : value, expected : true, message : text, operator : "==", stackStartFn : fn });
  error.generatedMessage = generated;
  throw error;
}

function ok(...args) {
  inner_ok(ok, args);
}

function assert(...args) {
  inner_ok(assert, args);
}

function fail(message) {
  if (message instanceof Error) throw message;
  const error = new AssertionError({
    message: message === undefined ? "Failed" : message, operator: "fail", stackStartFn: fail,
  });
  error.generatedMessage = message === undefined;
  throw error;
}

function ifError(error) {
  if (error === null || error === undefined) return;
  let message = "ifError got unwanted exception: ";
  if (typeof error === "object" && typeof error.message === "string") {
    message +=
      error.message.length === 0 && error.constructor ? error.constructor.name : error.message;
  } else {
    message += inspect(error);
  }
  const made = new AssertionError(
    { actual : error, expected : null, operator : "ifError", message, stackStartFn : ifError });
  made.generatedMessage = true;
  throw made;
}

function match_text(name, wanted) {
  return { [name](string, regexp, message) {
    if (!types.isRegExp(regexp)) throw invalid_arg_type("regexp", "RegExp", regexp);
    if (typeof string === "string" && (regexp.exec(string) !== null) === wanted) return;
    if (message instanceof Error) throw message;
    let text = message;
    if (message === undefined || message === null) {
      text = typeof string !== "string"
        ? `The "string" argument must be of type string. Received type ${typeof string} (${
            inspect(string)})`
        : `The input ${
            wanted ? "did not match" : "was expected to not match"} the regular expression ${
            inspect(regexp)}. Input:\n\n${inspect(string)}\n`;
    }
    const error = new AssertionError(
      { actual : string, expected : regexp, message : text, operator : name, stackStartFn : this });
    error.generatedMessage = message === undefined || message === null;
    throw error;
  } }[name];
}
const match = match_text("match", true);
const doesNotMatch = match_text("doesNotMatch", false);

// --- exceptions ---

const kNothing = Symbol("nothing thrown");

function thrown_by(fn) {
  validate_function(fn, "fn");
  try {
    fn();
  } catch (error) {
    return error;
  }
  return kNothing;
}

const is_promise = (value) => types.isPromise(value) ||
  (value !== null && typeof value === "object" && typeof value.then === "function" &&
    typeof value.catch === "function");

async function rejected_by(what) {
  let promise = what;
  if (typeof what === "function") {
    promise = what();
    if (!is_promise(promise)) {
      throw coded(TypeError, "ERR_INVALID_RETURN_VALUE",
        "Expected instance of Promise to be returned from the \"promiseFn\" function.");
    }
  } else if (!is_promise(what)) {
    throw invalid_arg_type("promiseFn", ["Function", "Promise"], what);
  }
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return kNothing;
}

function compare_members(actual, expected, message, operator) {
  const keys = Object.keys(expected);
  if (expected instanceof Error) keys.push("name", "message");
  else if (keys.length === 0)
    throw invalid_arg_value("error", expected, "may not be an empty object");
  for (const key of keys) {
    const found = actual[key];
    const wanted = expected[key];
    if (typeof found === "string" && types.isRegExp(wanted) && wanted.exec(found) !== null)
      continue;
    if (key in actual && is_deep_strict_equal(found, wanted)) continue;
    if (message instanceof Error) throw message;
    const pick = (from) =>
      Object.fromEntries(keys.filter((one) => one in from).map((one) => [one, from[one]]));
    const error = new AssertionError({
      actual: message === undefined ? pick(actual) : actual,
      expected: message === undefined ? pick(expected) : expected,
      operator: message === undefined ? "deepStrictEqual" : operator,
      message,
      stackStartFn: assert[operator],
    });
    Object.assign(error, { actual, expected, operator });
    throw error;
  }
}

function check_thrown(actual, expected, message, operator) {
  if (typeof expected !== "function") {
    if (types.isRegExp(expected)) {
      if (expected.exec(String(actual)) !== null) return;
      fail_with({ actual, expected, operator, stackStartFn : assert[operator] },
        message ??
          `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${
            inspect(String(actual))}\n`);
    }
    if (typeof actual !== "object" || actual === null) {
      fail_with({ actual, expected, operator : "deepStrictEqual", stackStartFn : assert[operator] },
        message);
    }
    return compare_members(actual, expected, message, operator);
  }
  if (expected.prototype !== undefined && actual instanceof expected) return;
  if (Object.prototype.isPrototypeOf.call(Error, expected) || expected === Error) {
    let text = message;
    if (message === undefined || message === null) {
      text = `The error is expected to be an instance of "${expected.name}". Received `;
      text += actual instanceof Error ? `"${actual.name}"` : `"${inspect(actual, { depth: -1 })}"`;
      if (actual?.message) text += `\n\nError message:\n\n${actual.message}`;
    }
    fail_with({ actual, expected, operator, stackStartFn: assert[operator] }, text);
  }
  const result = expected.call({}, actual);
  if (result === true) return;
  const name = expected.name ? `"${expected.name}" ` : "";
  fail_with({ actual, expected, operator, stackStartFn : assert[operator] },
    message ??
      `The ${name}validation function is expected to return "true". Received ${
        inspect(result)}\n\nCaught error:\n\n${inspect(actual)}`);
}

function expects_error(operator, actual, error, message) {
  let expected = error;
  if (typeof error === "string") {
    if (message !== undefined)
      throw invalid_arg_type("error", [ "Object", "Error", "Function", "RegExp" ], error);
    message = error;
    expected = undefined;
  } else if (error !== undefined && error !== null && typeof error !== "object" &&
    typeof error !== "function") {
    throw invalid_arg_type("error", ["Object", "Error", "Function", "RegExp"], error);
  }
  if (actual === kNothing) {
    let details = expected?.name ? ` (${expected.name})` : "";
    details += message ? `: ${message}` : ".";
    const type = operator === "rejects" ? "rejection" : "exception";
    if (message instanceof Error) throw message;
    throw new AssertionError({
      actual: undefined,
      expected,
      operator,
      message: `Missing expected ${type}${details}`,
      stackStartFn: assert[operator],
    });
  }
  if (expected !== undefined && expected !== null)
    check_thrown(actual, expected, message, operator);
}

function expects_no_error(operator, actual, error, message) {
  if (actual === kNothing) return;
  let expected = error;
  if (typeof error === "string") {
    message = error;
    expected = undefined;
  }
  const fits = expected === undefined || (types.isRegExp(expected) ? expected.test(String(actual))
    : expected.prototype !== undefined && actual instanceof expected);
  if (!fits) throw actual;
  const type = operator === "doesNotReject" ? "rejection" : "exception";
  fail_with({ actual, expected, operator, stackStartFn: assert[operator] },
    `Got unwanted ${type}${message ? `: ${message}` : "."}\nActual message: "${actual?.message}"`);
}

function throws(fn, error, message) {
  expects_error("throws", thrown_by(fn), error, message);
}
function doesNotThrow(fn, error, message) {
  expects_no_error("doesNotThrow", thrown_by(fn), error, message);
}
async function rejects(what, error, message) {
  expects_error("rejects", await rejected_by(what), error, message);
}
async function doesNotReject(what, error, message) {
  expects_no_error("doesNotReject", await rejected_by(what), error, message);
}

class CallTracker {
  #expected = new Map();
  calls(fn = () => {}, exact = 1) {
    if (typeof fn === "number") {
      exact = fn;
      fn = () => {};
    }
    const context = { exact, calls: [], name: fn.name || "calls" };
    const tracked = new Proxy(fn, {
      apply(target, self, args) {
        context.calls.push({ thisArg: self, arguments: args });
        return Reflect.apply(target, self, args);
      },
    });
    this.#expected.set(tracked, context);
    return tracked;
  }
  getCalls(tracked) {
    return this.#expected.get(tracked).calls.slice();
  }
  reset(tracked) {
    for (const [fn, context] of this.#expected) {
      if (tracked === undefined || fn === tracked) context.calls = [];
    }
  }
  report() {
    return [...this.#expected.values() ]
      .filter((one) => one.calls.length !== one.exact)
      .map((one) => ({
        message: `Expected the ${one.name} function to be executed ${
          one.exact} time(s) but was executed ${one.calls.length} time(s).`,
        actual: one.calls.length,
        expected: one.exact,
        operator: one.name,
      }));
  }
  verify() {
    const [first] = this.report();
    if (first !== undefined) throw new AssertionError(first);
  }
}

Object.assign(assert, {
  ...assertions,
  AssertionError,
  CallTracker,
  doesNotMatch,
  doesNotReject,
  doesNotThrow,
  equal,
  fail,
  ifError,
  match,
  notEqual,
  ok,
  rejects,
  throws,
});
const {
  deepEqual,
  deepStrictEqual,
  notDeepEqual,
  notDeepStrictEqual,
  notStrictEqual,
  partialDeepStrictEqual,
  strictEqual
} = assertions;

// assert.strict: where every comparison is the strict one.
function strict(...args) {
  inner_ok(strict, args);
}
Object.assign(strict, assert, {
  equal: strictEqual,
  notEqual: notStrictEqual,
  deepEqual: deepStrictEqual,
  notDeepEqual: notDeepStrictEqual,
  strict,
});
assert.strict = strict;

export {
  CallTracker,
  deepEqual,
  deepStrictEqual,
  doesNotMatch,
  doesNotReject,
  doesNotThrow,
  equal,
  fail,
  ifError,
  match,
  notDeepEqual,
  notDeepStrictEqual,
  notEqual,
  notStrictEqual,
  ok,
  partialDeepStrictEqual,
  rejects,
  strict,
  strictEqual,
  throws,
};
export default assert;
