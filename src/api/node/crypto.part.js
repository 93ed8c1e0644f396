// node:crypto over natives (crypto_hash.cc, crypto_cipher.cc, crypto_keys.cc). The web's crypto is
// `webcrypto`.
import { own_ops } from "../parts/own_ops.js";
import { Buffer } from "./buffer.part.js";
import { Transform, Writable } from "./stream.part.js";
import { make_ciphers } from "./lib/crypto_ciphers.js";
import { make_keys } from "./lib/crypto_keys.js";
import { coded, invalid_arg_type, invalid_arg_value, out_of_range } from "./lib/errors.js";
import { refusing_class, refusing_functions } from "./lib/stubs.js";
import { constants } from "./lib/crypto_constants.js";
import { validate_function, validate_integer, validate_string } from "./lib/validate.js";

const {
  hash_copy,
  hash_final,
  hash_new,
  hash_update,
  hkdf: native_hkdf,
  hmac_new,
  pbkdf2: native_pbkdf2,
  random_fill,
  same_bytes,
  scrypt: native_scrypt
} = own_ops;

const webcrypto = globalThis.crypto;
const { subtle } = webcrypto;

// Strings as bytes of their encoding; views and buffers where they lie.
function to_bytes(value, name, encoding) {
  if (typeof value === "string")
    return Buffer.from(value, encoding === "buffer" ? "utf8" : encoding);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw invalid_arg_type(
    name, [ "string", "ArrayBuffer", "Buffer", "TypedArray", "DataView" ], value);
}

const as_buffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const encoded = (bytes, encoding) => encoding === undefined || encoding === "buffer"
  ? as_buffer(bytes)
  : as_buffer(bytes).toString(encoding);

const slice_bytes = 512 * 1024;

// Called by natives where V8 may interrupt them.
function breath() {}

// --- hashes ---

const finished = () => coded(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");

class Hashing extends Transform {
  #id;
  #done = false;

  start(id) {
    this.#id = id;
  }
  get id() {
    return this.#id;
  }
  update(data, encoding) {
    if (this.#done) throw finished();
    if (typeof data !== "string" && !ArrayBuffer.isView(data)) {
      throw invalid_arg_type("data", ["string", "Buffer", "TypedArray", "DataView"], data);
    }
    const bytes = to_bytes(data, "data", encoding);
    // In slices: V8 may interrupt the loop.
    for (let at = 0; at < bytes.length; at += slice_bytes) {
      hash_update(this.#id, bytes.subarray(at, at + slice_bytes));
    }
    return this;
  }
  finish() {
    if (this.#done) throw finished();
    this.#done = true;
    return hash_final(this.#id);
  }
  get finished() {
    return this.#done;
  }
  _transform(chunk, encoding, done) {
    this.update(chunk, encoding);
    done();
  }
  _flush(done) {
    this.push(as_buffer(this.finish()));
    done();
  }
}

class HashObject extends Hashing {
  constructor(algorithm, options = {}, from = undefined) {
    super(options ?? undefined);
    if (from === undefined) validate_string(algorithm, "algorithm");
    const id = from !== undefined ? hash_copy(this, from.id) : hash_new(this, algorithm);
    if (id === undefined)
      throw coded(Error, "ERR_OSSL_EVP_UNSUPPORTED", "Digest method not supported");
    this.start(id);
  }
  digest(encoding) {
    return encoded(this.finish(), encoding);
  }
  copy(options) {
    if (this.finished) throw finished();
    return new HashObject(undefined, options, this);
  }
}

class HmacObject extends Hashing {
  #ended = false;
  constructor(algorithm, key, options = {}) {
    super(options ?? undefined);
    validate_string(algorithm, "hmac");
    const id = hmac_new(this, algorithm, secret_bytes(key));
    if (id === undefined)
      throw coded(Error, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${algorithm}`);
    this.start(id);
  }
  digest(encoding) {
    // A second digest of an HMAC is empty, as in Node.js.
    const bytes = this.#ended ? new Uint8Array() : this.finish();
    this.#ended = true;
    return encoded(bytes, encoding);
  }
}

// Called with or without `new`.
function callable(Class, name) {
  const fn = { [name](...args) {
    return new Class(...args);
  } }[name];
  const made = function (...args) {
    return new Class(...args);
  };
  Object.defineProperty(made, "name", { value: fn.name });
  made.prototype = Class.prototype;
  Object.defineProperty(
    made.prototype, "constructor", { value : made, configurable : true, writable : true });
  return made;
}
const Hash = callable(HashObject, "Hash");
const Hmac = callable(HmacObject, "Hmac");
const createHash = (algorithm, options) => new HashObject(algorithm, options);
const createHmac = (algorithm, key, options) => new HmacObject(algorithm, key, options);
const hash_names = [
  "RSA-MD5", "RSA-SHA1", "RSA-SHA224", "RSA-SHA256", "RSA-SHA384", "RSA-SHA512", "md5", "sha1",
  "sha224", "sha256", "sha384", "sha512", "sha512-256"
];
const getHashes = () => [...hash_names];

function hash(algorithm, data, encoding = "hex") {
  validate_string(algorithm, "algorithm");
  return createHash(algorithm).update(data).digest(encoding);
}

// --- randomness ---

function randomBytes(size, callback) {
  validate_integer(size, "size", 0, 2 ** 31 - 1);
  if (callback !== undefined) validate_function(callback, "callback");
  const bytes = Buffer.alloc(size);
  random_fill(bytes);
  if (callback === undefined) return bytes;
  queueMicrotask(() => callback(null, bytes));
}

function randomFillSync(view, offset = 0, size = undefined) {
  if (!ArrayBuffer.isView(view) && !(view instanceof ArrayBuffer)) {
    throw invalid_arg_type("buf", ["ArrayBuffer", "ArrayBufferView"], view);
  }
  const unit = view.BYTES_PER_ELEMENT ?? 1;
  validate_integer(offset, "offset", 0, view.byteLength / unit);
  const length = size === undefined ? view.byteLength - offset * unit : size * unit;
  if (length < 0 || offset * unit + length > view.byteLength) {
    throw out_of_range("size + offset", `<= ${view.byteLength}`, offset * unit + length);
  }
  random_fill(new Uint8Array(view.buffer ?? view, (view.byteOffset ?? 0) + offset * unit, length));
  return view;
}

function randomFill(view, ...rest) {
  const callback = rest.pop();
  validate_function(callback, "callback");
  randomFillSync(view, ...rest);
  queueMicrotask(() => callback(null, view));
}

const max_range = 2 ** 48 - 1;

function random_integer(min, max) {
  const range = max - min;
  const limit =
    max_range + 1 - (max_range + 1) % range; // what lies above would favour the low numbers
  const bytes = Buffer.alloc(6);
  for (;;) {
    random_fill(bytes);
    const value = bytes.readUIntBE(0, 6);
    if (value < limit) return value % range + min;
  }
}

function randomInt(min, max, callback) {
  if (max === undefined || typeof max === "function") {
    callback = max;
    max = min;
    min = 0;
  }
  if (callback !== undefined) validate_function(callback, "callback");
  if (!Number.isSafeInteger(min)) throw invalid_arg_type("min", "a safe integer", min);
  if (!Number.isSafeInteger(max)) throw invalid_arg_type("max", "a safe integer", max);
  if (max <= min) throw out_of_range("max", `greater than the value of "min" (${min})`, max);
  if (max - min > max_range) throw out_of_range("max - min", `<= ${max_range}`, max - min);
  const value = random_integer(min, max);
  if (callback === undefined) return value;
  queueMicrotask(() => callback(undefined, value));
}

function randomUUID() {
  const bytes = randomBytes(16);
  bytes[6] = bytes[6] & 0x0f | 0x40;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function timingSafeEqual(a, b) {
  const [one, other] = [to_view(a, "buf1"), to_view(b, "buf2")];
  if (one.byteLength !== other.byteLength) {
    throw coded(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH",
      "Input buffers must have the same byte length");
  }
  return same_bytes(one, other);
}

function to_view(value, name) {
  if (typeof value === "string") {
    throw invalid_arg_type(name, ["ArrayBuffer", "Buffer", "TypedArray", "DataView"], value);
  }
  return to_bytes(value, name);
}

// --- key derivation ---

const bad_digest = (name) =>
  coded(TypeError, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${name}`);

function pbkdf2Sync(password, salt, iterations, length, digest) {
  validate_string(digest, "digest");
  validate_integer(iterations, "iterations", 1, 2 ** 31 - 1);
  validate_integer(length, "keylen", 0, 2 ** 31 - 1);
  const bytes = native_pbkdf2(
    digest, to_bytes(password, "password"), to_bytes(salt, "salt"), iterations, length, breath);
  if (bytes === undefined) throw bad_digest(digest);
  return as_buffer(bytes);
}

function scryptSync(password, salt, length, options = {}) {
  const { N = options.cost ?? 16384, r = options.blockSize ?? 8, p = options.parallelization ?? 1,
    maxmem = 32 * 1024 * 1024 } = options;
  validate_integer(length, "keylen", 0, 2 ** 31 - 1);
  const bytes =
    native_scrypt(to_bytes(password, "password"), to_bytes(salt, "salt"), N, r, p, maxmem, length);
  if (bytes === undefined)
    throw coded(RangeError, "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "Invalid scrypt params");
  return as_buffer(bytes);
}

function hkdfSync(digest, key, salt, info, length) {
  validate_string(digest, "digest");
  validate_integer(length, "length", 0, 2 ** 31 - 1);
  const bytes =
    native_hkdf(digest, secret_bytes(key), to_bytes(salt, "salt"), to_bytes(info, "info"), length);
  if (bytes === undefined)
    throw coded(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
  return bytes.buffer;
}

// The form with a callback of a function that answers at once.
function with_callback(sync, skip = 0) {
  return (...args) => {
    const callback = args.pop();
    validate_function(callback, "callback");
    if (skip > 0 && args.length < skip) args.push(undefined);
    const result = sync(...args);
    queueMicrotask(() => callback(null, result));
  };
}
const pbkdf2 = with_callback(pbkdf2Sync);
const scrypt = with_callback(
  (password, salt, length, options) => scryptSync(password, salt, length, options ?? {}));
const hkdf = with_callback(hkdfSync);

// --- keys, signatures, ciphers ---

const tools = {
  Buffer,
  Writable,
  Transform,
  own_ops,
  to_bytes,
  as_buffer,
  encoded,
  hash_names,
  constants,
  with_callback,
  breath,
  slice_bytes,
};
const keys = make_keys(tools);
const secret_bytes = keys.secret_bytes;
const ciphers = make_ciphers({ ...tools, secret_bytes });

const getCurves = () => ["prime256v1", "secp224r1", "secp384r1", "secp521r1"];
const getFips = () => 0;
const setFips = (value) => {
  if (value) throw invalid_arg_value("fips", value, "is not supported");
};
const refused = {
  ...refusing_functions("crypto",
    [
      "createDiffieHellman", "createDiffieHellmanGroup", "getDiffieHellman", "checkPrime",
      "checkPrimeSync", "generatePrime", "generatePrimeSync", "setEngine", "encapsulate",
      "decapsulate"
    ]),
  DiffieHellman: refusing_class("crypto", "DiffieHellman"),
  DiffieHellmanGroup: refusing_class("crypto", "DiffieHellmanGroup"),
  X509Certificate: refusing_class("crypto", "X509Certificate"),
  Certificate: refusing_class("crypto", "Certificate"),
};
const { createCipheriv, createDecipheriv } = ciphers;
const getRandomValues = (array) => webcrypto.getRandomValues(array);

export {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash,
  randomBytes,
  randomUUID,
  timingSafeEqual,
  webcrypto,
};
export default {
  ...refused,
  ...keys.exports,
  ...ciphers,
  Hash,
  Hmac,
  constants,
  createHash,
  createHmac,
  fips: 0,
  getCurves,
  getFips,
  getHashes,
  getRandomValues,
  hash,
  hkdf,
  hkdfSync,
  pbkdf2,
  pbkdf2Sync,
  prng: randomBytes,
  pseudoRandomBytes: randomBytes,
  randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
  rng: randomBytes,
  scrypt,
  scryptSync,
  secureHeapUsed: () => undefined,
  setFips,
  subtle,
  timingSafeEqual,
  webcrypto,
};
