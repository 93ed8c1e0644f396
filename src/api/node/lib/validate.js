// Checks of arguments, with Node.js's errors.
import { coded, invalid_arg_type, invalid_arg_value, out_of_range } from "./errors.js";

export function validate_string(value, name) {
  if (typeof value !== "string") throw invalid_arg_type(name, "string", value);
}

export function validate_function(value, name) {
  if (typeof value !== "function") throw invalid_arg_type(name, "function", value);
}

export function validate_boolean(value, name) {
  if (typeof value !== "boolean") throw invalid_arg_type(name, "boolean", value);
}

export function validate_object(value, name) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw invalid_arg_type(name, "object", value);
  }
}

export function validate_array(value, name) {
  if (!Array.isArray(value)) throw invalid_arg_type(name, "Array", value);
}

export function validate_number(value, name, min = undefined, max = undefined) {
  if (typeof value !== "number") throw invalid_arg_type(name, "number", value);
  if ((min !== undefined && value < min) || (max !== undefined && value > max) ||
      ((min !== undefined || max !== undefined) && Number.isNaN(value))) {
    const low = min !== undefined ? `>= ${min}` : "";
    const high = max !== undefined ? `<= ${max}` : "";
    throw out_of_range(name, `${low}${low && high ? " && " : ""}${high}`, value);
  }
}

export function validate_integer(value, name, min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== "number") throw invalid_arg_type(name, "number", value);
  if (!Number.isInteger(value)) throw out_of_range(name, "an integer", value);
  if (value < min || value > max) throw out_of_range(name, `>= ${min} && <= ${max}`, value);
}

export function validate_uint32(value, name, positive = false) {
  validate_integer(value, name, positive ? 1 : 0, 4294967295);
}

export function validate_int32(value, name, min = -2147483648, max = 2147483647) {
  validate_integer(value, name, min, max);
}

export function validate_one_of(value, name, list) {
  if (list.includes(value)) return;
  const allowed = list.map((one) => (typeof one === "string" ? `'${one}'` : String(one)));
  throw invalid_arg_value(name, value, `must be one of: ${allowed.join(", ")}`);
}

export function validate_abort_signal(value, name) {
  if (value !== undefined && (value === null || typeof value !== "object" ||
      !("aborted" in value))) {
    throw invalid_arg_type(name, "AbortSignal", value);
  }
}

export function validate_port(value, name = "Port", zero = true) {
  const number = typeof value === "string" && value.trim() === "" ? NaN : +value;
  if ((typeof value !== "number" && typeof value !== "string") || number !== number >>> 0 ||
      number > 65535 || (number === 0 && !zero)) {
    throw coded(RangeError, "ERR_SOCKET_BAD_PORT",
      `${name} should be >= ${zero ? 0 : 1} and < 65536. Received ${
        typeof value === "string" ? `type string ('${value}')`
                                  : `type ${typeof value} (${value})`}.`);
  }
  return number;
}
