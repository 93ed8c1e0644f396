// structuredClone (HTML standard, 2.7).
import { ops } from "../base/ops.js";
import { expose_function } from "../base/expose.js";
import { ArrayPrototypePush, SymbolIterator, TypeError } from "../base/primordials.js";
import { require_args, to_dictionary } from "../base/webidl.js";
import { is_blob } from "../blob/blob.js";
import { DOMException } from "../dom/dom_exception.js";
import { is_abort_signal } from "../dom/abort.js";
import { is_headers } from "../fetch/headers.js";
import { is_request } from "../fetch/request.js";
import { is_response } from "../fetch/response.js";
import { is_readable_stream } from "../streams/streams.js";

const { structured_clone } = ops;

// Platform objects that cannot be cloned. V8 takes them for plain objects, so the value itself is
// looked at here.
function check_platform_object(value) {
  if (typeof value !== "object" || value === null) return;
  if (is_headers(value) || is_request(value) || is_response(value) || is_readable_stream(value) ||
      is_abort_signal(value) || is_blob(value)) {
    throw new DOMException("The object could not be cloned.", "DataCloneError");
  }
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
  check_platform_object(value);
  const failures = [];
  try {
    return structured_clone(value, list, failures);
  } catch (error) {
    if (failures.length > 0) throw new DOMException(failures[0], "DataCloneError");
    throw error;
  }
}

expose_function(structuredClone, "structuredClone");
