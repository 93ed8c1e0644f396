// The little that our JavaScript tests need. Part of the tests, not of the runtime.
export function assert(condition, message = "assertion failed") {
  if (!condition) throw new Error(message);
}

function show(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol" || typeof value === "function") return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}[${Array.from(value)}]`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function equal(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof ArrayBuffer) return equal(new Uint8Array(a), new Uint8Array(b));
  if (a instanceof Map || a instanceof Set) return equal([...a], [...b]);
  if (a instanceof Date) return a.getTime() === b.getTime();
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

// Deep for arrays, plain objects, typed arrays, Map, Set and Date; Object.is for the rest.
export function assert_equals(actual, expected, message = "") {
  if (equal(actual, expected)) return;
  throw new Error(`${message}${message && ": "}expected ${show(expected)}, got ${show(actual)}`);
}

function check_error(error, expected, message) {
  if (typeof expected === "string") {
    assert_equals(error?.name, expected, "name of the error");
  } else if (expected) {
    assert(error instanceof expected, `expected ${expected.name}, got ${show(error)}`);
  }
  if (message instanceof RegExp) assert(message.test(error.message),
    `message is ${show(error.message)}`);
  else if (message !== undefined) assert_equals(error.message, message, "message of the error");
}

// expected: a constructor, or the name of a DOMException; message: text or RegExp.
export function assert_throws(fn, expected, message) {
  let error;
  let threw = false;
  try {
    fn();
  } catch (e) {
    threw = true;
    error = e;
  }
  assert(threw, "expected an exception");
  check_error(error, expected, message);
  return error;
}

export async function assert_rejects(promise, expected, message) {
  let error;
  let threw = false;
  try {
    await promise;
  } catch (e) {
    threw = true;
    error = e;
  }
  assert(threw, "expected a rejection");
  check_error(error, expected, message);
  return error;
}
