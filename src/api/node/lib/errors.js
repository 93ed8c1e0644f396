// Errors as Node.js has them: a `code`, the code in the stack's first line, the texts of its
// manual.

function described(value) {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === "function") {
    return value.name ? ` Received function ${value.name}`
                      : " Received type function ([Function (anonymous)])";
  }
  if (typeof value === "object") {
    const name = value.constructor?.name;
    return name ? ` Received an instance of ${name}` : " Received [Object: null prototype] {}";
  }
  let text = typeof value === "string" ? JSON.stringify(value) : String(value);
  if (typeof value === "string") text = `'${text.slice(1, -1).replaceAll("\\\"", "\"")}'`;
  if (typeof value === "bigint") text += "n";
  if (text.length > 28) text = `${text.slice(0, 25)}...`;
  return ` Received type ${typeof value} (${text})`;
}

function coded_text() {
  return `${this.name} [${this.code}]: ${this.message}`;
}

// new Base(message) with the code, which the stack shows as Node.js does.
export function coded(Base, code, message) {
  const error = new Base(message);
  const { name } = error;
  Object.defineProperty(error, "name", { value: `${name} [${code}]`, configurable: true });
  void error.stack;  // taken now, with that name
  delete error.name;
  error.code = code;
  Object.defineProperty(error, "toString", {
    value: coded_text, enumerable: false, writable: true, configurable: true,
  });
  return error;
}

const classes = /^([A-Z][a-z0-9]*)+$/;
const types = ["string", "function", "number", "object", "Function", "Object", "boolean", "bigint",
  "symbol"];

function listed(list) {
  if (list.length === 1) return list[0];
  return `${list.slice(0, -1).join(", ")}${list.length > 2 ? "," : ""} or ${list.at(-1)}`;
}

// expected: a type ("string"), a class ("Buffer"), words, or a list of such
export function invalid_arg_type(name, expected, actual) {
  const wanted = Array.isArray(expected) ? expected : [expected];
  const of_type = wanted.filter((one) => types.includes(one)).map((one) => one.toLowerCase());
  const rest = wanted.filter((one) => !types.includes(one));
  const of_class = rest.filter((one) => classes.test(one));
  const others = rest.filter((one) => !classes.test(one));
  const phrases = [];
  if (of_type.length > 0) {
    phrases.push(`${of_type.length > 1 ? "one of type" : "of type"} ${listed(of_type)}`);
  }
  if (of_class.length > 0) phrases.push(`an instance of ${listed(of_class)}`);
  if (others.length > 0) phrases.push(listed(others));
  const what = name.endsWith(" argument") ? `The ${name}`
    : `The "${name}" ${name.includes(".") ? "property" : "argument"}`;
  return coded(TypeError, "ERR_INVALID_ARG_TYPE",
    `${what} must be ${phrases.join(" or ")}.${described(actual)}`);
}

function shown(value) {
  if (typeof value === "string") return `'${value}'`;
  if (typeof value === "bigint") return `${value}n`;
  try {
    return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
  } catch {
    return "[object]";
  }
}

export function invalid_arg_value(name, value, reason = "is invalid") {
  const what = name.includes(".") ? "property" : "argument";
  return coded(TypeError, "ERR_INVALID_ARG_VALUE",
    `The ${what} '${name}' ${reason}. Received ${shown(value).slice(0, 128)}`);
}

// 1234567 -> "1_234_567"
function with_separators(value) {
  const text = String(value);
  const suffix = typeof value === "bigint" ? "n" : "";
  if (!/^-?\d+$/.test(text)) return text + suffix;
  const grouped = text.replace(/\B(?=(\d{3})+$)/g, "_");
  const large = typeof value === "bigint" ? value > 2n ** 32n || value < -(2n ** 32n)
    : Math.abs(value) > 2 ** 32;
  return (large ? grouped : text) + suffix;
}

export function out_of_range(name, range, value) {
  return coded(RangeError, "ERR_OUT_OF_RANGE",
    `The value of "${name}" is out of range. It must be ${range}. Received ` +
    (typeof value === "number" || typeof value === "bigint" ? with_separators(value)
      : shown(value)));
}

export function missing_args(...names) {
  const quoted = names.map((name) => `"${name}"`);
  const list = quoted.length < 2 ? quoted[0]
    : `${quoted.slice(0, -1).join(", ")}${quoted.length > 2 ? "," : ""} and ${quoted.at(-1)}`;
  return coded(TypeError, "ERR_MISSING_ARGS",
    `The ${list} argument${names.length > 1 ? "s" : ""} must be specified`);
}

export function unknown_encoding(name) {
  return coded(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${name}`);
}

// What Workers cannot do: `what` is a Node.js name ("fs.watch").
export function not_implemented(what) {
  return coded(Error, "ERR_METHOD_NOT_IMPLEMENTED", `The ${what} method is not implemented`);
}

// A function that says so.
export function refusing(what) {
  const name = what.slice(what.lastIndexOf(".") + 1);
  return { [name]() {
    throw not_implemented(what);
  } }[name];
}

export class AbortError extends Error {
  constructor(message = "The operation was aborted", options = undefined) {
    super(message, options);
    this.code = "ABORT_ERR";
    this.name = "AbortError";
  }
}

// As the system's calls fail: code "ENOENT", syscall "open".
export function system_error(code, errno, text, syscall, path, dest) {
  let message = `${code}: ${text}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  const error = new Error(message);
  Object.assign(error, { errno, code, syscall });
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  return error;
}
