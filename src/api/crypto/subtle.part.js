// SubtleCrypto (Web Cryptography, 14): each operation's steps in their order. The work is done
// before the promise is given; what takes long gives others their turn meanwhile (native.h).
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { JSONParse, JSONStringify, ObjectSetPrototypeOf, TypeError } from "../base/primordials.js";
import {
  illegal_constructor, require_args, to_dom_string, to_enforced_integer,
} from "../base/webidl.js";
import { is_buffer_source } from "../encoding/encoding.js";
import { own_ops } from "../parts/own_ops.js";
import { export_asymmetric, generate_pair, import_asymmetric, is_asymmetric } from "./lib/asymmetric.js";
import {
  access_error, breath, data_error, hash_codes, not_supported, require_result, syntax_error,
} from "./lib/codes.js";
import {
  CryptoKey, kDecrypt, kDeriveBits, kDeriveKey, kEncrypt, kSign, kUnwrapKey, kVerify, kWrapKey, key_of,
  record_of, to_usages,
} from "./lib/key.js";
import { has_operation, is_object, normalize, to_buffer_source, to_jwk } from "./lib/normalize.js";
import { crypt, derive, sign, verify } from "./lib/operations.js";
import { derived_key_length, export_secret, generate_secret, import_secret } from "./lib/symmetric.js";

const { bytes_text, digest, equal_bytes, text_bytes } = own_ops;

// The conversions of arguments.
const to_data = (value) => to_buffer_source(value, "The data");

function to_algorithm(value) {
  return is_object(value) ? value : to_dom_string(value);
}

function to_format(value) {
  const format = to_dom_string(value);
  if (format === "raw" || format === "spki" || format === "pkcs8" || format === "jwk") return format;
  throw new TypeError("The key format must be raw, spki, pkcs8 or jwk.");
}

function need(given, needed, operation) {
  require_args(given, needed, operation, "SubtleCrypto");
}

function require_use(record, algorithm, usage, what) {
  if (record.algorithm.name !== algorithm.name) {
    throw access_error("The key is of another algorithm.");
  }
  if ((record.usages & usage) === 0) throw access_error(`The key may not be used to ${what}.`);
}

function import_record(format, data, algorithm, extractable, usages) {
  const code = is_asymmetric(algorithm.name) ? import_asymmetric : import_secret;
  const record = code(format, data, algorithm, extractable, usages);
  if (record.type !== "public" && record.usages === 0) {
    throw syntax_error(`A ${record.type} key needs a usage.`);
  }
  return record;
}

function export_record(format, record) {
  const { name } = record.algorithm;
  if (name === "HKDF" || name === "PBKDF2") throw not_supported(`${name} keys cannot be exported.`);
  if (!record.extractable) throw access_error("The key is not extractable.");
  return is_asymmetric(name) ? export_asymmetric(format, record) : export_secret(format, record);
}

// wrapKey and encrypt, or unwrapKey and decrypt: an algorithm that has the one or the other.
function normalize_wrap(operation, instead, algorithm) {
  return normalize(has_operation(operation, algorithm) ? operation : instead, algorithm);
}

// A key as the text of its JWK, whatever user code has done to the prototypes.
function jwk_text(jwk) {
  ObjectSetPrototypeOf(jwk, null);
  ObjectSetPrototypeOf(jwk.key_ops, null);
  return text_bytes(JSONStringify(jwk));
}

function parse_jwk(bytes) {
  let value;
  try {
    value = JSONParse(bytes_text(bytes));
  } catch {
    throw data_error("The unwrapped key is not a JWK.");
  }
  if (!is_object(value)) throw data_error("The unwrapped key is not a JWK.");
  ObjectSetPrototypeOf(value, null);
  const jwk = to_jwk(value);
  if (jwk.kty === undefined) throw data_error("The unwrapped key is not a JWK.");
  return jwk;
}

export class SubtleCrypto {
  #brand;
  constructor(internal = undefined) {
    if (internal !== kInternal) throw illegal_constructor();
  }

  async encrypt(algorithm, key, data) {
    this.#brand;
    need(arguments.length, 3, "encrypt");
    const given = to_algorithm(algorithm);
    const record = record_of(key);
    to_data(data);
    const normalized = normalize("encrypt", given);
    require_use(record, normalized, kEncrypt, "encrypt");
    return crypt(normalized, record, data, true);
  }

  async decrypt(algorithm, key, data) {
    this.#brand;
    need(arguments.length, 3, "decrypt");
    const given = to_algorithm(algorithm);
    const record = record_of(key);
    to_data(data);
    const normalized = normalize("decrypt", given);
    require_use(record, normalized, kDecrypt, "decrypt");
    return crypt(normalized, record, data, false);
  }

  async sign(algorithm, key, data) {
    this.#brand;
    need(arguments.length, 3, "sign");
    const given = to_algorithm(algorithm);
    const record = record_of(key);
    to_data(data);
    const normalized = normalize("sign", given);
    require_use(record, normalized, kSign, "sign");
    return sign(normalized, record, data);
  }

  async verify(algorithm, key, signature, data) {
    this.#brand;
    need(arguments.length, 4, "verify");
    const given = to_algorithm(algorithm);
    const record = record_of(key);
    to_buffer_source(signature, "The signature");
    to_data(data);
    const normalized = normalize("verify", given);
    require_use(record, normalized, kVerify, "verify");
    return verify(normalized, record, signature, data);
  }

  async digest(algorithm, data) {
    this.#brand;
    need(arguments.length, 2, "digest");
    const given = to_algorithm(algorithm);
    to_data(data);
    const { name } = normalize("digest", given);
    return require_result(digest(hash_codes[name], data, breath), "digest");
  }

  async generateKey(algorithm, extractable, keyUsages) {
    this.#brand;
    need(arguments.length, 3, "generateKey");
    const given = to_algorithm(algorithm);
    const may_export = !!extractable;
    const usages = to_usages(keyUsages);
    const normalized = normalize("generateKey", given);
    if (!is_asymmetric(normalized.name)) {
      return key_of(generate_secret(normalized, may_export, usages));
    }
    const { publicKey, privateKey } = generate_pair(normalized, may_export, usages);
    return { publicKey: key_of(publicKey), privateKey: key_of(privateKey) };
  }

  async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    this.#brand;
    need(arguments.length, 5, "deriveKey");
    const given = to_algorithm(algorithm);
    const record = record_of(baseKey);
    const given_type = to_algorithm(derivedKeyType);
    const may_export = !!extractable;
    const usages = to_usages(keyUsages);
    const normalized = normalize("deriveBits", given);
    const type = normalize("importKey", given_type);
    const length_type = normalize("key_length", given_type);
    require_use(record, normalized, kDeriveKey, "derive keys");
    const bits = derive(normalized, record, derived_key_length(length_type));
    return key_of(import_record("raw", bits, type, may_export, usages));
  }

  async deriveBits(algorithm, baseKey, length = null) {
    this.#brand;
    need(arguments.length, 2, "deriveBits");
    const given = to_algorithm(algorithm);
    const record = record_of(baseKey);
    const bits = length === null || length === undefined ? null
      : to_enforced_integer(length, 0, 0xffffffff, "The length");
    const normalized = normalize("deriveBits", given);
    require_use(record, normalized, kDeriveBits, "derive bits");
    return derive(normalized, record, bits);
  }

  async importKey(format, keyData, algorithm, extractable, keyUsages) {
    this.#brand;
    need(arguments.length, 5, "importKey");
    const form = to_format(format);
    const is_buffer = is_buffer_source(keyData);
    const data = is_buffer ? keyData : to_jwk(keyData);
    const given = to_algorithm(algorithm);
    const may_export = !!extractable;
    const usages = to_usages(keyUsages);
    const normalized = normalize("importKey", given);
    if (is_buffer === (form === "jwk")) {
      throw new TypeError(`The key data of format ${form} must be a ` +
        (form === "jwk" ? "JsonWebKey." : "buffer."));
    }
    return key_of(import_record(form, data, normalized, may_export, usages));
  }

  async exportKey(format, key) {
    this.#brand;
    need(arguments.length, 2, "exportKey");
    return export_record(to_format(format), record_of(key));
  }

  async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    this.#brand;
    need(arguments.length, 4, "wrapKey");
    const form = to_format(format);
    const record = record_of(key);
    const wrapping = record_of(wrappingKey);
    const normalized = normalize_wrap("wrapKey", "encrypt", to_algorithm(wrapAlgorithm));
    require_use(wrapping, normalized, kWrapKey, "wrap keys");
    const exported = export_record(form, record);
    return crypt(normalized, wrapping, form === "jwk" ? jwk_text(exported) : exported, true);
  }

  async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm,
    extractable, keyUsages) {
    this.#brand;
    need(arguments.length, 7, "unwrapKey");
    const form = to_format(format);
    to_buffer_source(wrappedKey, "The wrapped key");
    const unwrapping = record_of(unwrappingKey);
    const given = to_algorithm(unwrapAlgorithm);
    const given_type = to_algorithm(unwrappedKeyAlgorithm);
    const may_export = !!extractable;
    const usages = to_usages(keyUsages);
    const normalized = normalize_wrap("unwrapKey", "decrypt", given);
    const type = normalize("importKey", given_type);
    require_use(unwrapping, normalized, kUnwrapKey, "unwrap keys");
    const bytes = crypt(normalized, unwrapping, wrappedKey, false);
    const data = form === "jwk" ? parse_jwk(bytes) : bytes;
    return key_of(import_record(form, data, type, may_export, usages));
  }

  // Workers' own: in constant time.
  timingSafeEqual(a, b) {
    this.#brand;
    need(arguments.length, 2, "timingSafeEqual");
    const equal = equal_bytes(to_buffer_source(a, "The first value"), to_buffer_source(b, "The second value"));
    if (equal === undefined) throw new TypeError("Input buffers must have the same byte length.");
    return equal;
  }
}

finish_class(SubtleCrypto, "SubtleCrypto");
export const subtle = new SubtleCrypto(kInternal);
export { CryptoKey, normalize };
