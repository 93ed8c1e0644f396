// structuredClone (HTML standard, 2.7).
import { ops } from "../base/ops.js";
import { expose_function } from "../base/expose.js";
import { ArrayBufferPrototypeGetByteLength, ArrayPrototypePush, SymbolIterator, TypeError }
  from "../base/primordials.js";
import { require_args, to_dictionary } from "../base/webidl.js";
import { copy_blob, is_blob } from "../blob/blob.js";
import { copy_dom_exception, DOMException, is_dom_exception } from "../dom/dom_exception.js";
import { load_part } from "../parts/parts.js";

const { structured_clone } = ops;

const cloners = [];
// Of a class that lives in a part: gives an object's copy, undefined where it is of another class.
export function register_cloner(copy) {
  ArrayPrototypePush(cloners, copy);
}

// A platform object's copy; undefined where it cannot be cloned. What a platform object is, native
// code knows by the mark of finish_class.
function clone_platform_object(value) {
  if (is_blob(value)) return copy_blob(value);
  if (is_dom_exception(value)) return copy_dom_exception(value);
  for (let i = 0; i < cloners.length; i++) {
    const copy = cloners[i](value);
    if (copy !== undefined) return copy;
  }
  return undefined;
}

function structuredClone(value, options = undefined) {
  require_args(arguments.length, 1, "structuredClone", "ServiceWorkerGlobalScope");
  const { transfer } = to_dictionary(options, "The options of structuredClone");
  const list = [];
  if (transfer !== undefined) {
    if (transfer === null || typeof transfer[SymbolIterator] !== "function") {
      throw new TypeError("The transfer option must be a sequence.");
    }
    for (const item of transfer) ArrayPrototypePush(list, item);
  }
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] === "object" && list[i] !== null && !is_buffer(list[i])) {
      return load_part("messaging/messaging").clone_and_transfer(value, list);
    }
  }
  return clone_transferring(value, list, undefined);
}

function is_buffer(value) {
  try {
    ArrayBufferPrototypeGetByteLength(value);
    return true;
  } catch {
    return false;
  }
}

// transfers: array buffers; moved(object): what takes a platform object's place, undefined for most.
export function clone_transferring(value, transfers, moved) {
  const failures = [];
  const copy = moved === undefined ? clone_platform_object :
    (object) => moved(object) ?? clone_platform_object(object);
  try {
    return structured_clone(value, transfers, failures, copy);
  } catch (error) {
    if (failures.length > 0) throw new DOMException(failures[0], "DataCloneError");
    throw error;
  }
}

// A copy of one value, for our own code.
export const clone_value = (value) => structuredClone(value);

expose_function(structuredClone, "structuredClone");
