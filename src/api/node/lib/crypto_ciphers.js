// Cipheriv and Decipheriv of node:crypto.
import { coded, invalid_arg_value } from "./errors.js";
import { validate_string } from "./validate.js";

export function make_ciphers(
  { Buffer, Transform, own_ops, to_bytes, as_buffer, encoded, secret_bytes, slice_bytes }) {
  const {
    cipher_final,
    cipher_info,
    cipher_names,
    cipher_new,
    cipher_set_padding,
    cipher_set_tag,
    cipher_tag,
    cipher_update
  } = own_ops;
  const state_error = (message) => coded(Error, "ERR_CRYPTO_INVALID_STATE", message);

  class CipherBase extends Transform {
    #id;
    #encrypt;
    #mode;
    #done = false;
    #tag_bytes;
    #tag;

    constructor(encrypt, name, key, iv, options) {
      super(options);
      validate_string(name, "cipher");
      const lower = name.toLowerCase();
      const info = cipher_info(lower);
      if (info === undefined) throw coded(Error, "ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher");
      const key_bytes = secret_bytes(key);
      const iv_bytes = iv === null || iv === undefined ? new Uint8Array() : to_bytes(iv, "iv");
      if (key_bytes.length !== info[0])
        throw coded(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
      const id = cipher_new(this, lower, key_bytes, iv_bytes, encrypt);
      if (id === undefined)
        throw coded(TypeError, "ERR_CRYPTO_INVALID_IV", "Invalid initialization vector");
      this.#id = id;
      this.#encrypt = encrypt;
      this.#mode = info[3];
      this.#tag_bytes = options?.authTagLength ?? 16;
    }

    update(data, input_encoding, output_encoding) {
      if (this.#done) throw state_error("Unsupported state");
      const bytes = to_bytes(data, "data", input_encoding);
      const pieces = [];
      for (let at = 0; at === 0 || at < bytes.length; at += slice_bytes) {
        const piece = cipher_update(this.#id, bytes.subarray(at, at + slice_bytes), false);
        if (piece === undefined) {
          throw state_error("Unsupported state or unable to authenticate data");
        }
        pieces.push(piece);
      }
      return encoded(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces), output_encoding);
    }

    final(output_encoding) {
      if (this.#done) throw state_error("Unsupported state");
      this.#done = true;
      const bytes = cipher_final(this.#id);
      if (bytes === undefined) {
        if (this.#mode === "gcm")
          throw new Error("Unsupported state or unable to authenticate data");
        throw coded(Error,
          this.#encrypt ? "ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH" : "ERR_OSSL_BAD_DECRYPT",
          this.#encrypt ? "wrong final block length" : "bad decrypt");
      }
      if (this.#mode === "gcm" && this.#encrypt) this.#tag = cipher_tag(this.#id, this.#tag_bytes);
      return encoded(bytes, output_encoding);
    }

    setAutoPadding(on = true) {
      cipher_set_padding(this.#id, Boolean(on));
      return this;
    }

    setAAD(data, options = undefined) {
      cipher_update(this.#id, to_bytes(data, "buffer", options?.encoding), true);
      return this;
    }

    get_tag() {
      if (this.#tag === undefined) throw state_error("Invalid state for operation getAuthTag");
      return as_buffer(this.#tag);
    }

    set_tag(tag, encoding) {
      const bytes = to_bytes(tag, "buffer", encoding);
      // Other lengths than the one that was asked for let a forger guess.
      if (bytes.length !== this.#tag_bytes || !cipher_set_tag(this.#id, bytes)) {
        throw coded(TypeError, "ERR_CRYPTO_INVALID_AUTH_TAG",
          `Invalid authentication tag length: ${bytes.length}`);
      }
      return this;
    }

    _transform(chunk, encoding, done) {
      this.push(this.update(chunk, encoding));
      done();
    }

    _flush(done) {
      try {
        this.push(this.final());
        done();
      } catch (error) {
        done(error);
      }
    }
  }

  class Cipheriv extends CipherBase {
    constructor(name, key, iv, options) {
      super(true, name, key, iv, options);
    }
    getAuthTag() {
      return this.get_tag();
    }
  }

  class Decipheriv extends CipherBase {
    constructor(name, key, iv, options) {
      super(false, name, key, iv, options);
    }
    setAuthTag(tag, encoding) {
      return this.set_tag(tag, encoding);
    }
  }

  function getCipherInfo(name, { keyLength, ivLength } = {}) {
    if (typeof name !== "string") throw invalid_arg_value("nameOrNid", name, "must be a name");
    const lower = name.toLowerCase();
    const info = cipher_info(lower);
    if (info === undefined || (keyLength !== undefined && keyLength !== info[0])) return undefined;
    if (ivLength !== undefined && ivLength !== info[1] && info[3] !== "gcm") return undefined;
    const result = { mode: info[3], name: lower, keyLength: info[0] };
    if (info[2] > 1) result.blockSize = info[2];
    if (info[1] > 0) result.ivLength = ivLength ?? info[1];
    return result;
  }
  return {
    Cipheriv, Decipheriv, getCipherInfo,
    getCiphers: () => cipher_names(),
    createCipheriv: (name, key, iv, options) => new Cipheriv(name, key, iv, options),
    createDecipheriv: (name, key, iv, options) => new Decipheriv(name, key, iv, options),
  };
}
