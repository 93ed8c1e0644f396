// DOMException (Web IDL standard, 3.14.1): an Error with a name of the table and a legacy code.
import { expose_class, expose_constant } from "../base/expose.js";
import {
  Error,
  ErrorCaptureStackTrace,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
} from "../base/primordials.js";
import { to_dom_string } from "../base/webidl.js";

// The names table; the position is the legacy code, gaps are codes of the past without a name.
const names = [null, "IndexSizeError", null, "HierarchyRequestError", "WrongDocumentError",
  "InvalidCharacterError", null, "NoModificationAllowedError", "NotFoundError", "NotSupportedError",
  "InUseAttributeError", "InvalidStateError", "SyntaxError", "InvalidModificationError",
  "NamespaceError", "InvalidAccessError", null, "TypeMismatchError", "SecurityError", "NetworkError",
  "AbortError", "URLMismatchError", "QuotaExceededError", "TimeoutError", "InvalidNodeTypeError",
  "DataCloneError"];
const constants = [null, "INDEX_SIZE_ERR", "DOMSTRING_SIZE_ERR", "HIERARCHY_REQUEST_ERR",
  "WRONG_DOCUMENT_ERR", "INVALID_CHARACTER_ERR", "NO_DATA_ALLOWED_ERR",
  "NO_MODIFICATION_ALLOWED_ERR", "NOT_FOUND_ERR", "NOT_SUPPORTED_ERR", "INUSE_ATTRIBUTE_ERR",
  "INVALID_STATE_ERR", "SYNTAX_ERR", "INVALID_MODIFICATION_ERR", "NAMESPACE_ERR",
  "INVALID_ACCESS_ERR", "VALIDATION_ERR", "TYPE_MISMATCH_ERR", "SECURITY_ERR", "NETWORK_ERR",
  "ABORT_ERR", "URL_MISMATCH_ERR", "QUOTA_EXCEEDED_ERR", "TIMEOUT_ERR", "INVALID_NODE_TYPE_ERR",
  "DATA_CLONE_ERR"];

export let is_dom_exception;
export let copy_dom_exception;

export class DOMException {
  #message;
  #name;
  constructor(message = "", name = "Error") {
    this.#message = to_dom_string(message);
    // An options object is what the standard's draft for causes passes.
    if (typeof name === "object" && name !== null) {
      const { cause } = name;
      this.#name = name.name === undefined ? "Error" : to_dom_string(name.name);
      if (cause !== undefined) {
        ObjectDefineProperty(this, "cause", { __proto__: null, value: cause, writable: true, configurable: true });
      }
    } else {
      this.#name = to_dom_string(name);
    }
    ErrorCaptureStackTrace(this, DOMException);
  }
  get name() {
    return this.#name;
  }
  get message() {
    return this.#message;
  }
  get code() {
    const name = this.#name;
    for (let i = 1; i < names.length; i++) {
      if (names[i] === name) return i;
    }
    return 0;
  }
  static {
    is_dom_exception = (value) => typeof value === "object" && value !== null && #name in value;
    copy_dom_exception = (value) => new DOMException(value.#message, value.#name);
  }
}
ObjectSetPrototypeOf(DOMException.prototype, Error.prototype);
expose_class(DOMException, "DOMException");
for (let code = 1; code < constants.length; code++) expose_constant(DOMException, constants[code], code);
