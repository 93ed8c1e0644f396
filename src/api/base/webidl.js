// The conversions of Web IDL that our interfaces use, with the wording of the platform's errors.
import {
  MathFloor,
  MathTrunc,
  NumberIsFinite,
  NumberIsNaN,
  RangeError,
  String,
  StringPrototypeCharCodeAt,
  StringPrototypeToWellFormed,
  TypeError,
} from "./primordials.js";

export function illegal_invocation() {
  return new TypeError("Illegal invocation");
}

export function illegal_constructor() {
  return new TypeError("Illegal constructor");
}

// Call at the top of an operation: require_args(arguments.length, 1, "append", "Headers").
export function require_args(given, needed, operation, interface_name) {
  if (given >= needed) return;
  throw new TypeError(
    `Failed to execute '${operation}' on '${interface_name}': ` +
    `${needed} argument${needed === 1 ? "" : "s"} required, but only ${given} present.`);
}

export function require_new_args(given, needed, interface_name) {
  if (given >= needed) return;
  throw new TypeError(
    `Failed to construct '${interface_name}': ` +
    `${needed} argument${needed === 1 ? "" : "s"} required, but only ${given} present.`);
}

export function to_dom_string(value) {
  if (typeof value === "string") return value;
  if (typeof value === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
  return String(value);
}

export function to_usv_string(value) {
  return StringPrototypeToWellFormed(to_dom_string(value));
}

// A string of code units up to 255.
export function to_byte_string(value) {
  const string = to_dom_string(value);
  for (let i = 0; i < string.length; i++) {
    if (StringPrototypeCharCodeAt(string, i) > 255) {
      throw new TypeError("Cannot convert string to ByteString: it has a character above 255");
    }
  }
  return string;
}

// [EnforceRange] unsigned long long and kin.
export function to_enforced_integer(value, min, max, what) {
  const number = MathTrunc(+value);
  if (!NumberIsFinite(number)) throw new TypeError(`${what} is not a finite number`);
  if (number < min || number > max) throw new TypeError(`${what} is outside the accepted range`);
  return number + 0;
}

// [Clamp] long long and kin.
export function to_clamped_integer(value, min, max) {
  const number = +value;
  if (NumberIsNaN(number)) return 0;
  const clamped = number < min ? min : number > max ? max : number;
  // Ties go to the even neighbour.
  const floor = MathFloor(clamped);
  const rest = clamped - floor;
  if (rest < 0.5 || (rest === 0.5 && floor % 2 === 0)) return floor + 0;
  return floor + 1;
}

// unsigned short and unsigned long, without attributes.
export function to_unsigned(value, bits) {
  const number = +value;
  if (!NumberIsFinite(number)) return 0;
  const modulo = 2 ** bits;
  const wrapped = MathTrunc(number) % modulo;
  return (wrapped < 0 ? wrapped + modulo : wrapped) + 0;
}

// A dictionary argument: undefined and null stand for the empty one.
export function to_dictionary(value, what) {
  if (value === undefined || value === null) return { __proto__: null };
  if (typeof value !== "object" && typeof value !== "function") {
    throw new TypeError(`${what} must be an object`);
  }
  return value;
}

export function range_error(message) {
  return new RangeError(message);
}

// A callback argument.
export function to_callback(value, what) {
  if (typeof value !== "function") throw new TypeError(`${what} is not a function`);
  return value;
}
