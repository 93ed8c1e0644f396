// structuredClone (HTML standard, 2.7).
import { ops } from "../base/ops.js";
import { expose_function } from "../base/expose.js";
import { ArrayPrototypePush, SymbolIterator, TypeError } from "../base/primordials.js";
import { require_args, to_dictionary } from "../base/webidl.js";
import { copy_blob, is_blob } from "../blob/blob.js";
import { copy_dom_exception, DOMException, is_dom_exception } from "../dom/dom_exception.js";

const { structured_clone } = ops;

// A platform object's copy; undefined where it cannot be cloned. What a platform object is, native
// code knows by the mark of finish_class.
function clone_platform_object(value) {
  if (is_blob(value)) return copy_blob(value);
  if (is_dom_exception(value)) return copy_dom_exception(value);
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
  const failures = [];
  try {
    return structured_clone(value, list, failures, clone_platform_object);
  } catch (error) {
    if (failures.length > 0) throw new DOMException(failures[0], "DataCloneError");
    throw error;
  }
}

// A copy of one value, for our own code.
export const clone_value = (value) => structuredClone(value);

expose_function(structuredClone, "structuredClone");
