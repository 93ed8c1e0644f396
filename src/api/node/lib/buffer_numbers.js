// Numbers in a Buffer: readInt16LE, writeDoubleBE and kin.
import { coded, invalid_arg_type, out_of_range } from "./errors.js";

const views = new WeakMap();

function view_of(buffer) {
  let view = views.get(buffer);
  if (view === undefined || view.buffer !== buffer.buffer) {
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    views.set(buffer, view);
  }
  return view;
}

function check_offset(buffer, offset, size) {
  if (typeof offset !== "number") throw invalid_arg_type("offset", "number", offset);
  const last = buffer.length - size;
  if (Number.isInteger(offset) && offset >= 0 && offset <= last) return;
  if (Math.floor(offset) !== offset) throw out_of_range("offset", "an integer", offset);
  if (last < 0) {
    throw coded(
      RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "Attempt to access memory outside buffer bounds");
  }
  throw out_of_range("offset", `>= 0 and <= ${last}`, offset);
}

function range_text(min, max, size) {
  const suffix = typeof min === "bigint" ? "n" : "";
  if (size <= 4) return `>= ${min}${suffix} and <= ${max}${suffix}`;
  if (min === 0 || min === 0n) return `>= 0${suffix} and < 2${suffix} ** ${size * 8}${suffix}`;
  return `>= -(2${suffix} ** ${size * 8 - 1}${suffix}) and < 2${suffix} ** ${size * 8 - 1}${
    suffix}`;
}

function check_value(value, min, max, size) {
  if (value > max || value < min) throw out_of_range("value", range_text(min, max, size), value);
}

// --- sizes that DataView has ---

// [name of the DataView's methods, our name, size, min, max]
const kinds = [
  ["Int8", "Int8", 1, -0x80, 0x7f], ["Uint8", "UInt8", 1, 0, 0xff],
  ["Int16", "Int16", 2, -0x8000, 0x7fff], ["Uint16", "UInt16", 2, 0, 0xffff],
  ["Int32", "Int32", 4, -0x80000000, 0x7fffffff], ["Uint32", "UInt32", 4, 0, 0xffffffff],
  ["BigInt64", "BigInt64", 8, -(2n ** 63n), 2n ** 63n - 1n],
  ["BigUint64", "BigUInt64", 8, 0n, 2n ** 64n - 1n],
  ["Float32", "Float", 4, undefined, undefined], ["Float64", "Double", 8, undefined, undefined],
];

function add_kind(methods, [kind, name, size, min, max], little) {
  const get = DataView.prototype[`get${kind}`];
  const set = DataView.prototype[`set${kind}`];
  const suffix = size === 1 ? "" : little ? "LE" : "BE";
  const is_float = min === undefined;
  const is_big = typeof min === "bigint";
  const read = function (offset = 0) {
    check_offset(this, offset, size);
    return get.call(view_of(this), offset, little);
  };
  const write = function (value, offset = 0) {
    let number = value;
    if (is_big) {
      if (typeof value !== "bigint") {
        if (typeof value === "number") check_value(BigInt(Math.trunc(value) || 0), min, max, size);
        throw new TypeError("Cannot mix BigInt and other types, use explicit conversions");
      }
    } else {
      number = +value;
    }
    if (!is_float) check_value(number, min, max, size);
    check_offset(this, offset, size);
    set.call(view_of(this), offset, number, little);
    return offset + size;
  };
  const alias = name.replace("UInt", "Uint");
  for (const one of alias === name ? [name] : [name, alias]) {
    Object.defineProperty(read, "name", { value: `read${name}${suffix}`, configurable: true });
    Object.defineProperty(write, "name", { value: `write${name}${suffix}`, configurable: true });
    methods[`read${one}${suffix}`] = read;
    methods[`write${one}${suffix}`] = write;
  }
}

// --- any size from one to six bytes ---

function check_size(size) {
  if (typeof size !== "number") throw invalid_arg_type("byteLength", "number", size);
  if (Math.floor(size) !== size) throw out_of_range("byteLength", "an integer", size);
  if (size < 1 || size > 6) throw out_of_range("byteLength", ">= 1 and <= 6", size);
}

function read_bytes(buffer, offset, size, little, signed) {
  if (offset === undefined) throw invalid_arg_type("offset", "number", offset);
  check_size(size);
  check_offset(buffer, offset, size);
  let value = 0;
  for (let i = 0; i < size; i++) {
    value = value * 256 + buffer[offset + (little ? size - 1 - i : i)];
  }
  return signed && value >= 2 ** (size * 8 - 1) ? value - 2 ** (size * 8) : value;
}

function write_bytes(buffer, value, offset, size, little, signed) {
  check_size(size);
  let rest = +value;
  const max = signed ? 2 ** (size * 8 - 1) - 1 : 2 ** (size * 8) - 1;
  const min = signed ? -(2 ** (size * 8 - 1)) : 0;
  check_value(rest, min, max, size);
  if (offset === undefined) throw invalid_arg_type("offset", "number", offset);
  check_offset(buffer, offset, size);
  rest = Math.trunc(rest) || 0;
  if (rest < 0) rest += 2 ** (size * 8);
  for (let i = 0; i < size; i++) {
    buffer[offset + (little ? i : size - 1 - i)] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + size;
}

export function add_numbers(define) {
  const methods = {};
  for (const kind of kinds) {
    add_kind(methods, kind, true);
    if (kind[2] > 1) add_kind(methods, kind, false);
  }
  for (const little of [true, false]) {
    const suffix = little ? "LE" : "BE";
    for (const [name, signed] of [["Int", true], ["UInt", false], ["Uint", false]]) {
      methods[`read${name}${suffix}`] = function (offset, size) {
        return read_bytes(this, offset, size, little, signed);
      };
      methods[`write${name}${suffix}`] = function (value, offset, size) {
        return write_bytes(this, value, offset, size, little, signed);
      };
    }
  }
  define(methods);
}
