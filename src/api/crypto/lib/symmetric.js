// Keys of AES, HMAC, HKDF and PBKDF2 (Web Cryptography, 27 to 33).
import { ArrayPrototypeIndexOf, TypeError } from "../../base/primordials.js";
import { own_ops } from "../../parts/own_ops.js";
import { data_error, hash_block_bits, kRaw, not_supported, operation_error, syntax_error } from "./codes.js";
import {
  finish_record, kDecrypt, kDeriveBits, kDeriveKey, kEncrypt, kSign, kUnwrapKey, kVerify, kWrapKey,
  new_record, require_usages, usage_bit, usage_list,
} from "./key.js";

const { base64url_read, buffer_bytes, jwk_write, key_random, key_secret, key_write } = own_ops;

const crypt_usages = kEncrypt | kDecrypt | kWrapKey | kUnwrapKey;
export const secret_usages = {
  __proto__: null, "AES-CTR": crypt_usages, "AES-CBC": crypt_usages, "AES-GCM": crypt_usages,
  "AES-KW": kWrapKey | kUnwrapKey, "HMAC": kSign | kVerify, "HKDF": kDeriveKey | kDeriveBits,
  "PBKDF2": kDeriveKey | kDeriveBits,
};
const aes_jwk_names = {
  __proto__: null, "AES-CTR": "CTR", "AES-CBC": "CBC", "AES-GCM": "GCM", "AES-KW": "KW",
};
const hmac_jwk_names = {
  __proto__: null, "SHA-1": "HS1", "SHA-256": "HS256", "SHA-384": "HS384", "SHA-512": "HS512",
};

const is_aes_length = (bits) => bits === 128 || bits === 192 || bits === 256;

// What the JWK says of its use: `use`, `key_ops` and `ext`, as each algorithm's import has it.
export function check_jwk_use(jwk, use, usages, extractable) {
  if (usages !== 0 && jwk.use !== undefined && jwk.use !== use) {
    throw data_error("The JWK is meant for another use.");
  }
  const { key_ops } = jwk;
  if (key_ops !== undefined) {
    let allowed = 0;
    for (let i = 0; i < key_ops.length; i++) {
      // RFC 7517, 4.3: no value twice.
      if (ArrayPrototypeIndexOf(key_ops, key_ops[i]) !== i) {
        throw data_error("The JWK has an operation twice.");
      }
      allowed |= usage_bit(key_ops[i]);
    }
    if (usages & ~allowed) throw data_error("The JWK's key_ops has not all usages.");
  }
  if (jwk.ext === false && extractable) throw data_error("The JWK is not extractable.");
}

export function generate_secret(algorithm, extractable, usages) {
  const { name, hash } = algorithm;
  require_usages(usages, secret_usages[name]);
  let { length } = algorithm;
  if (name === "HMAC") {
    length ??= hash_block_bits[hash];
    if (length === 0) throw operation_error("The length of the key cannot be zero.");
  } else if (!is_aes_length(length)) {
    throw operation_error("The length of an AES key must be 128, 192 or 256.");
  }
  if (usages === 0) throw syntax_error("A secret key needs a usage.");
  const record = new_record("secret", extractable, { __proto__: null, name, hash, length }, usages);
  return finish_record(record, key_random(record, length, extractable), "generateKey");
}

function jwk_bytes(jwk) {
  if (jwk.kty !== "oct") throw data_error('The JWK\'s "kty" must be "oct".');
  const bytes = jwk.k === undefined ? undefined : base64url_read(jwk.k);
  if (bytes === undefined) throw data_error('The JWK\'s "k" is not base64url.');
  return bytes;
}

function check_jwk_name(jwk, name) {
  if (jwk.alg !== undefined && jwk.alg !== name) {
    throw data_error(`The JWK's "alg" is not "${name}".`);
  }
}

function aes_length_of(bytes) {
  const bits = buffer_bytes(bytes) * 8;
  if (!is_aes_length(bits)) throw data_error("An AES key has 128, 192 or 256 bits.");
  return bits;
}

// The length in bits that the key has, of the bytes given (HMAC: Import Key, last steps).
function hmac_length_of(bytes, wanted) {
  const bits = buffer_bytes(bytes) * 8;
  if (bits === 0) throw data_error("An HMAC key cannot be empty.");
  if (wanted === undefined) return bits;
  if (wanted > bits || wanted <= bits - 8) {
    throw data_error("The HMAC key has not the length that is asked for.");
  }
  return wanted;
}

export function import_secret(format, data, algorithm, extractable, usages) {
  const { name, hash } = algorithm;
  require_usages(usages, secret_usages[name]);
  const derives = name === "HKDF" || name === "PBKDF2";
  if (format !== "raw" && (format !== "jwk" || derives)) {
    throw not_supported(`${name} keys cannot be imported as ${format}.`);
  }
  if (derives && extractable) throw syntax_error(`${name} keys cannot be extractable.`);
  const bytes = format === "jwk" ? jwk_bytes(data) : data;
  let length;
  if (name === "HMAC") {
    if (format === "jwk") {
      check_jwk_name(data, hmac_jwk_names[hash]);
      check_jwk_use(data, "sig", usages, extractable);
    }
    length = hmac_length_of(bytes, algorithm.length);
  } else if (!derives) {
    length = aes_length_of(bytes);
    if (format === "jwk") {
      check_jwk_name(data, `A${length}${aes_jwk_names[name]}`);
      check_jwk_use(data, "enc", usages, extractable);
    }
  }
  const record = new_record("secret", extractable, { __proto__: null, name, hash, length }, usages);
  const id = key_secret(record, bytes, extractable);
  if (id === undefined) throw data_error("The key is too long.");
  return finish_record(record, id, "importKey");
}

export function export_secret(format, record) {
  const { name, hash, length } = record.algorithm;
  if (format === "raw") return key_write(record.id, kRaw);
  if (format !== "jwk") throw not_supported(`${name} keys cannot be exported as ${format}.`);
  return {
    kty: "oct",
    k: jwk_write(record.id)[0],
    alg: name === "HMAC" ? hmac_jwk_names[hash] : `A${length}${aes_jwk_names[name]}`,
    key_ops: usage_list(record.usages),
    ext: record.extractable,
  };
}

// Get Key Length. null: the algorithm has no length of its own.
export function derived_key_length(algorithm) {
  const { name, length, hash } = algorithm;
  if (name === "HKDF" || name === "PBKDF2") return null;
  if (name !== "HMAC") {
    if (!is_aes_length(length)) throw operation_error("The length of an AES key must be 128, 192 or 256.");
    return length;
  }
  if (length === 0) throw new TypeError("The length of the key cannot be zero.");
  return length ?? hash_block_bits[hash];
}
