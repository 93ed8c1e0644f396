// crypto (Web Cryptography, 10). What has keys is in parts.
import { ops } from "../base/ops.js";
import { expose_class, expose_value } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetSymbolToStringTag,
} from "../base/primordials.js";
import { illegal_constructor, require_args } from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import { load_part } from "../parts/parts.js";

const { crypto_fill, crypto_uuid } = ops;

const max_bytes = 65536;

class Crypto {
  #brand;
  constructor(internal = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
  }

  get subtle() {
    this.#brand;
    return load_part("crypto/subtle").subtle;
  }

  get DigestStream() {
    return load_part("crypto/digest_stream").DigestStream;
  }

  getRandomValues(array) {
    this.#brand;
    require_args(arguments.length, 1, "getRandomValues", "Crypto");
    switch (TypedArrayPrototypeGetSymbolToStringTag(array)) {
      case "Int8Array": case "Uint8Array": case "Uint8ClampedArray": case "Int16Array":
      case "Uint16Array": case "Int32Array": case "Uint32Array": case "BigInt64Array":
      case "BigUint64Array":
        break;
      default:
        throw new DOMException("getRandomValues() takes an integer typed array.",
          "TypeMismatchError");
    }
    const length = TypedArrayPrototypeGetByteLength(array);
    if (length > max_bytes) {
      throw new DOMException("getRandomValues() only accepts buffers of size <= 64K but provided " +
        `${length} bytes.`, "QuotaExceededError");
    }
    crypto_fill(array);
    return array;
  }

  randomUUID() {
    this.#brand;
    return crypto_uuid();
  }
}

expose_class(Crypto, "Crypto");
expose_value("crypto", new Crypto(kInternal), true);
