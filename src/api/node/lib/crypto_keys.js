// KeyObject, signatures, RSA encryption and key agreement of node:crypto. A KeyObject holds its
// DER.
import { coded, invalid_arg_type, invalid_arg_value } from "./errors.js";
import { validate_string } from "./validate.js";

export function make_keys(
  {Buffer, Writable, own_ops, to_bytes, as_buffer, encoded, hash_names, constants, with_callback}) {
  const { key_agree, key_generate, key_read, key_sign, key_traditional, key_verify, rsa_crypt } =
    own_ops;

  class KeyObject {
    #type;
    #data;  // secret: the bytes; else what the natives gave: [type, pkcs8, spki, bits, curve]

    constructor(type, data) {
      if (!["secret", "public", "private"].includes(type)) throw invalid_arg_value("type", type);
      this.#type = type;
      this.#data = data;
    }
    static data_of(key) {
      return key.#data;
    }
    static is(key) {
      return typeof key === "object" && key !== null && #data in key;
    }
    static from(key) {
      throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED",
        `KeyObject.from() of a ${key?.type} CryptoKey is not implemented`);
    }
    get [Symbol.toStringTag]() {
      return "KeyObject";
    }
    get [Symbol.for("skep.key_object")]() {
      return true;
    }
    get type() {
      return this.#type;
    }
    get symmetricKeySize() {
      return this.#type === "secret" ? this.#data.length : undefined;
    }
    get asymmetricKeyType() {
      return this.#type === "secret" ? undefined : this.#data[0];
    }
    get asymmetricKeyDetails() {
      if (this.#type === "secret") return undefined;
      if (this.#data[0] === "rsa") return { modulusLength: this.#data[3], publicExponent: 65537n };
      return this.#data[0] === "ec" ? { namedCurve: this.#data[4] } : {};
    }
    equals(other) {
      if (!KeyObject.is(other)) throw invalid_arg_type("otherKeyObject", "KeyObject", other);
      const bytes = (key) => Buffer.from(key.type === "secret" ? KeyObject.data_of(key)
        : KeyObject.data_of(key)[key.type === "private" ? 1 : 2]);
      return this.#type === other.type && bytes(this).equals(bytes(other));
    }
    export(options = {}) {
      return export_key(this, options);
    }
  }

  function pem(der, label) {
    const text = as_buffer(der).toString("base64").replace(/(.{64})/g, "$1\n").trimEnd();
    return `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
  }

  function export_key(
    key, { format = key.type === "secret" ? "buffer" : undefined, type, cipher } = {}) {
    const data = KeyObject.data_of(key);
    if (key.type === "secret") {
      if (format === "jwk") return { kty: "oct", k: Buffer.from(data).toString("base64url") };
      return Buffer.from(data);
    }
    if (format !== "pem" && format !== "der")
      throw invalid_arg_value("options.format", format, "must be 'pem' or 'der'");
    if (cipher !== undefined)
      throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED", "Keys are not exported encrypted");
    const is_private = key.type === "private";
    let der = data[is_private ? 1 : 2];
    let label = is_private ? "PRIVATE KEY" : "PUBLIC KEY";
    if (type === "pkcs1" || type === "sec1") {
      der = key_traditional(der, is_private);
      if (der === undefined) throw coded(Error, "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS",
        `The selected key encoding ${type} cannot be used for this key`);
      label = `${type === "sec1" ? "EC" : "RSA"} ${label}`;
    }
    return format === "der" ? Buffer.from(der) : pem(der, label);
  }

  const looks_like_pem = (bytes) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes("-----BEGIN");

  // What a user gives for a key: PEM, DER with its format, a KeyObject, or an object around one.
  function read_key(input, name) {
    if (KeyObject.is(input)) return input;
    const options = typeof input === "object" && input !== null && !ArrayBuffer.isView(input) &&
      !(input instanceof ArrayBuffer) ? input : { key: input };
    const { key, format, passphrase } = options;
    if (KeyObject.is(key)) return key;
    if (format === "jwk")
      throw coded(
        Error, "ERR_METHOD_NOT_IMPLEMENTED", "Keys as JWK are read by crypto.subtle alone");
    if (typeof key !== "string" && !ArrayBuffer.isView(key) && !(key instanceof ArrayBuffer)) {
      throw invalid_arg_type(
        name, [ "string", "ArrayBuffer", "Buffer", "TypedArray", "DataView", "KeyObject" ], key);
    }
    const bytes = to_bytes(key, name, options.encoding);
    const secret = passphrase === undefined ? "" : Buffer.from(passphrase).toString("latin1");
    const read =
      key_read(bytes, format === undefined ? looks_like_pem(bytes) : format === "pem", secret);
    if (read === undefined)
      throw coded(Error, "ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported");
    return new KeyObject(read[1] === undefined ? "public" : "private", read);
  }

  function private_der(input) {
    const key = read_key(input, "key");
    if (key.type !== "private") throw invalid_arg_value("key", key.type, "must be a private key");
    return KeyObject.data_of(key)[1];
  }

  function public_der(input) {
    const key = read_key(input, "key");
    if (key.type === "secret")
      throw invalid_arg_value("key", key.type, "must be an asymmetric key");
    return KeyObject.data_of(key)[2];
  }

  const createPrivateKey = (input) => {
    const key = read_key(input, "key");
    if (key.type !== "private")
      throw coded(TypeError, "ERR_INVALID_ARG_VALUE", "The key is not a private key");
    return key;
  };
  const createPublicKey = (input) => {
    const key = read_key(input, "key");
    return key.type === "public"
      ? key
      : new KeyObject("public", KeyObject.data_of(key).with(1, undefined));
  };
  const createSecretKey = (key, encoding) =>
    new KeyObject("secret", Uint8Array.from(to_bytes(key, "key", encoding)));

  function secret_bytes(key) {
    if (!KeyObject.is(key)) return to_bytes(key, "key");
    if (key.type !== "secret") throw invalid_arg_value("key", key.type, "must be a secret key");
    return KeyObject.data_of(key);
  }

  // --- signatures ---

  const digest_name = (name) => {
    if (name === null || name === undefined) return undefined;
    validate_string(name, "algorithm");
    const plain =
      name.toLowerCase().replace(/^(rsa|ecdsa)-?/, "").replace("with", "").replaceAll("-", "");
    if (hash_names.every((one) => one.replaceAll("-", "").toLowerCase() !== plain)) {
      throw coded(Error, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${name}`);
    }
    return plain;
  };
  const options_of = (key) => {
    const { padding = constants.RSA_PKCS1_PADDING, saltLength = -1, dsaEncoding = "der" } =
      KeyObject.is(key) || typeof key !== "object" || key === null ? {} : key;
    return [padding, saltLength, dsaEncoding === "ieee-p1363"];
  };

  function sign(algorithm, data, key, callback) {
    const bytes = key_sign(
      private_der(key), digest_name(algorithm), to_bytes(data, "data"), ...options_of(key));
    if (bytes === undefined)
      throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", "The key cannot sign this");
    if (callback === undefined) return as_buffer(bytes);
    queueMicrotask(() => callback(null, as_buffer(bytes)));
  }

  function verify(algorithm, data, key, signature, callback) {
    const result = key_verify(public_der(key), digest_name(algorithm), to_bytes(data, "data"),
      ...options_of(key), to_bytes(signature, "signature"));
    if (result === undefined)
      throw coded(Error, "ERR_CRYPTO_OPERATION_FAILED", "The key cannot verify this");
    if (callback === undefined) return result;
    queueMicrotask(() => callback(null, result));
  }

  class Collector extends Writable {
    #algorithm;
    #chunks = [];
    constructor(algorithm, options) {
      super(options);
      digest_name(algorithm);
      this.#algorithm = algorithm;
    }
    get algorithm() {
      return this.#algorithm;
    }
    update(data, encoding) {
      this.#chunks.push(Buffer.from(to_bytes(data, "data", encoding)));
      return this;
    }
    data() {
      return Buffer.concat(this.#chunks);
    }
    _write(chunk, encoding, done) {
      this.update(chunk, encoding);
      done();
    }
  }
  class Sign extends Collector {
    sign(key, encoding) {
      return encoded(sign(this.algorithm, this.data(), key), encoding);
    }
  }
  class Verify extends Collector {
    verify(key, signature, encoding) {
      return verify(this.algorithm, this.data(), key, to_bytes(signature, "signature", encoding));
    }
  }

  // --- RSA encryption ---

  function crypt(what, key, data, default_padding) {
    const { padding = default_padding, oaepHash = "sha1", oaepLabel, encoding } =
      KeyObject.is(key) || typeof key !== "object" || key === null ? {} : key;
    const der = what === 1 || what === 2 ? private_der(key) : public_der(key);
    const bytes =
      rsa_crypt(what, der, to_bytes(data, "buffer", encoding), padding, digest_name(oaepHash),
        oaepLabel === undefined ? undefined : to_bytes(oaepLabel, "oaepLabel"));
    if (bytes === undefined)
      throw coded(Error, "ERR_OSSL_RSA_OPERATION_FAILED", "RSA: the operation failed");
    return as_buffer(bytes);
  }
  const publicEncrypt = (key, data) => crypt(0, key, data, constants.RSA_PKCS1_OAEP_PADDING);
  const privateDecrypt = (key, data) => crypt(1, key, data, constants.RSA_PKCS1_OAEP_PADDING);
  const privateEncrypt = (key, data) => crypt(2, key, data, constants.RSA_PKCS1_PADDING);
  const publicDecrypt = (key, data) => crypt(3, key, data, constants.RSA_PKCS1_PADDING);

  // --- generation, agreement ---

  function generateKeyPairSync(type, options = {}) {
    validate_string(type, "type");
    const curve = options.namedCurve;
    const made = type === "rsa" || type === "rsa-pss"
      ? key_generate("rsa", options.modulusLength, options.publicExponent ?? 65537)
      : key_generate(type, curve);
    if (made === undefined) {
      throw invalid_arg_value(type === "ec" ? "options.namedCurve" : "type",
        type === "ec" ? curve : type, "is not supported");
    }
    const publicKey = new KeyObject("public", made.with(1, undefined));
    const privateKey = new KeyObject("private", made);
    return {
      publicKey: options.publicKeyEncoding ? publicKey.export(options.publicKeyEncoding)
                                            : publicKey,
      privateKey: options.privateKeyEncoding ? privateKey.export(options.privateKeyEncoding)
                                              : privateKey,
    };
  }
  function generateKeyPair(type, options, callback) {
    const { publicKey, privateKey } = generateKeyPairSync(type, options);
    queueMicrotask(() => callback(null, publicKey, privateKey));
  }
  function generateKeySync(type, { length }) {
    if (type !== "hmac" && type !== "aes")
      throw invalid_arg_value("type", type, "must be a supported key type");
    const bytes = new Uint8Array(length >>> 3);
    own_ops.random_fill(bytes);
    return new KeyObject("secret", bytes);
  }
  function diffieHellman({ privateKey, publicKey }) {
    const bytes = key_agree(private_der(privateKey), public_der(publicKey));
    if (bytes === undefined) {
      throw coded(
        Error, "ERR_CRYPTO_INCOMPATIBLE_KEY", "Incompatible key types for Diffie-Hellman");
    }
    return as_buffer(bytes);
  }

  return {
    secret_bytes,
    exports: {
      KeyObject,
      Sign,
      Verify,
      createPrivateKey,
      createPublicKey,
      createSecretKey,
      diffieHellman,
      generateKey: with_callback(generateKeySync),
      generateKeyPair,
      generateKeyPairSync,
      generateKeySync,
      privateDecrypt,
      privateEncrypt,
      publicDecrypt,
      publicEncrypt,
      sign,
      verify,
      createSign: (algorithm, options) => new Sign(algorithm, options),
      createVerify: (algorithm, options) => new Verify(algorithm, options),
    },
  };
}
