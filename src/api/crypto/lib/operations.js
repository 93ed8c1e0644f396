// What keys do: encrypt, decrypt, sign, verify, derive. `record` has been checked to be a key of the
// algorithm that may be used so.
import { ArrayBufferPrototypeSlice, Uint8Array } from "../../base/primordials.js";
import { own_ops } from "../../parts/own_ops.js";
import { kind_of } from "./asymmetric.js";
import {
  access_error, breath, hash_codes, kEd25519, operation_error, require_result,
} from "./codes.js";

const {
  aes_cbc, aes_ctr, aes_gcm, aes_kw, agree, buffer_bytes, ecdsa_sign, ecdsa_verify, ed25519_sign,
  ed25519_verify, hkdf, hmac_sign, hmac_verify, pbkdf2, rsa_oaep, rsa_sign, rsa_verify,
} = own_ops;

function require_type(record, type) {
  if (record.type !== type) throw access_error(`This needs a ${type} key.`);
}

function tag_bytes(bits) {
  switch (bits) {
    case undefined: return 16;
    case 32: case 64: case 96: case 104: case 112: case 120: case 128: return bits / 8;
    default: throw operation_error("The tag of AES-GCM has 32, 64, 96, 104, 112, 120 or 128 bits.");
  }
}

function crypt_aes(algorithm, record, data, encrypt) {
  const { id } = record;
  switch (algorithm.name) {
    case "AES-CBC":
      if (buffer_bytes(algorithm.iv) !== 16) throw operation_error("The iv of AES-CBC has 16 bytes.");
      return aes_cbc(id, encrypt, algorithm.iv, data, breath);
    case "AES-CTR":
      if (buffer_bytes(algorithm.counter) !== 16) {
        throw operation_error("The counter block of AES-CTR has 16 bytes.");
      }
      if (algorithm.length === 0 || algorithm.length > 128) {
        throw operation_error("The counter of AES-CTR has 1 to 128 bits.");
      }
      return aes_ctr(id, algorithm.counter, algorithm.length, data, breath);
    case "AES-GCM":
      return aes_gcm(id, encrypt, algorithm.iv, algorithm.additionalData,
        tag_bytes(algorithm.tagLength), data);
    default:
      return aes_kw(id, encrypt, data);
  }
}

// Also wraps and unwraps.
export function crypt(algorithm, record, data, encrypt) {
  const what = encrypt ? "Encryption" : "Decryption";
  if (algorithm.name !== "RSA-OAEP") {
    return require_result(crypt_aes(algorithm, record, data, encrypt), what);
  }
  require_type(record, encrypt ? "public" : "private");
  const hash = hash_codes[record.algorithm.hash];
  return require_result(rsa_oaep(record.id, hash, algorithm.label, data, encrypt), what);
}

// The hash that a signature is made with, by its code.
const hash_for = (algorithm, record) => hash_codes[algorithm.hash ?? record.algorithm.hash];

export function sign(algorithm, record, data) {
  const { id } = record;
  if (algorithm.name === "HMAC") {
    return require_result(hmac_sign(id, hash_for(algorithm, record), data, breath), "Signing");
  }
  require_type(record, "private");
  const kind = kind_of(record.algorithm);
  if (kind === kEd25519) return require_result(ed25519_sign(id, data), "Signing");
  const hash = hash_for(algorithm, record);
  return require_result(algorithm.name === "ECDSA" ? ecdsa_sign(id, kind, hash, data, breath)
    : rsa_sign(id, hash, data, breath, algorithm.saltLength), "Signing");
}

export function verify(algorithm, record, signature, data) {
  const { id } = record;
  if (algorithm.name === "HMAC") {
    return require_result(hmac_verify(id, hash_for(algorithm, record), data, breath, signature),
      "Verifying");
  }
  require_type(record, "public");
  const kind = kind_of(record.algorithm);
  if (kind === kEd25519) return require_result(ed25519_verify(id, data, signature), "Verifying");
  const hash = hash_for(algorithm, record);
  return require_result(algorithm.name === "ECDSA"
    ? ecdsa_verify(id, kind, hash, data, breath, signature)
    : rsa_verify(id, hash, data, breath, algorithm.saltLength, signature), "Verifying");
}

// The first `length` bits of a shared secret, the bits after them zero.
function first_bits(secret, length) {
  const size = buffer_bytes(secret);
  if (length === null || length === size * 8) return secret;
  if (length > size * 8) throw operation_error("The shared secret is shorter than that.");
  const bytes = (length + 7 - (length + 7) % 8) / 8;
  const result = ArrayBufferPrototypeSlice(secret, 0, bytes);
  if (length % 8 !== 0) new Uint8Array(result)[bytes - 1] &= 0xff << (8 - length % 8);
  return result;
}

function derive_agreed(algorithm, record, length) {
  require_type(record, "private");
  const other = algorithm.public;  // a record
  require_type(other, "public");
  const kind = kind_of(record.algorithm);
  if (other.algorithm.name !== record.algorithm.name || kind_of(other.algorithm) !== kind) {
    throw access_error("The public key is of another algorithm or curve.");
  }
  return first_bits(require_result(agree(record.id, other.id, kind), "Key agreement"), length);
}

// length: bits, or null.
export function derive(algorithm, record, length) {
  const { name, hash, salt, info, iterations } = algorithm;
  if (name === "ECDH" || name === "X25519") return derive_agreed(algorithm, record, length);
  if (length === null || length % 8 !== 0) {
    throw operation_error("The length must be a multiple of 8.");
  }
  if (name === "HKDF") {
    return require_result(hkdf(record.id, hash_codes[hash], salt, info, length / 8), "HKDF");
  }
  if (iterations === 0) throw operation_error("PBKDF2 needs an iteration.");
  return require_result(
    pbkdf2(record.id, hash_codes[hash], salt, iterations, length / 8, breath), "PBKDF2");
}
