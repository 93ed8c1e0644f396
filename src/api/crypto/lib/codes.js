// The codes of native.h and key_forms.h, and the DOMExceptions of Web Cryptography.
import { DOMException } from "../../dom/dom_exception.js";

export const hash_codes = {
  __proto__: null, "SHA-1": 0, "SHA-256": 1, "SHA-384": 2, "SHA-512": 3, "MD5": 4,
};
// Bits of the compression function's input (FIPS 180-4): what HMAC's keys have by default.
export const hash_block_bits = {
  __proto__: null, "SHA-1": 512, "SHA-256": 512, "SHA-384": 1024, "SHA-512": 1024,
};

export const kRsa = 0;
export const curve_kinds = { __proto__: null, "P-256": 1, "P-384": 2, "P-521": 3 };
export const kEd25519 = 4;
export const kX25519 = 5;

export const kRaw = 0;
export const kSpki = 1;
export const kPkcs8 = 2;

export const not_supported = (message) => new DOMException(message, "NotSupportedError");
export const data_error = (message) => new DOMException(message, "DataError");
export const operation_error = (message) => new DOMException(message, "OperationError");
export const access_error = (message) => new DOMException(message, "InvalidAccessError");
export const syntax_error = (message) => new DOMException(message, "SyntaxError");

// What a native gave, where it could.
export function require_result(result, what) {
  if (result === undefined) throw operation_error(`${what} failed.`);
  return result;
}

// Where V8 may interrupt what a native does in slices (native.h: breathe).
export function breath() {}
