// Normalising an algorithm (Web Cryptography, 18.4): which are there for an operation, and the
// dictionaries of their parameters.
import {
  ArrayPrototypePush,
  StringPrototypeCharCodeAt,
  StringPrototypeToUpperCase,
  TypeError,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSlice,
} from "../../base/primordials.js";
import { to_dom_string, to_enforced_integer } from "../../base/webidl.js";
import { is_buffer_source } from "../../encoding/encoding.js";
import { not_supported } from "./codes.js";
import { record_of } from "./key.js";

const to_integer = (max) => (value, name) => to_enforced_integer(value, 0, max, name);
const to_octet = to_integer(0xff);
const to_short = to_integer(0xffff);
const to_long = to_integer(0xffffffff);

export function to_buffer_source(value, what) {
  if (!is_buffer_source(value)) {
    throw new TypeError(`${what} must be an ArrayBuffer or a view of one.`);
  }
  return value;
}

function to_big_integer(value, name) {
  if (TypedArrayPrototypeGetSymbolToStringTag(value) !== "Uint8Array") {
    throw new TypeError(`${name} must be a Uint8Array.`);
  }
  return TypedArrayPrototypeSlice(value);
}

const to_hash = (value) => normalize("digest_of_key", value).name;

// [member, conversion, required …], in the order of Web IDL.
const none = [];
const hash = ["hash", to_hash, true];
const curve = ["namedCurve", to_dom_string, true];
const old_curve = ["namedCurve", to_dom_string, false];
const aes_length = ["length", to_short, true];
const hmac = ["hash", to_hash, true, "length", to_long, false];
const hmac_length = hmac;
const rsa_generate = ["modulusLength", to_long, true, "publicExponent", to_big_integer, true,
  "hash", to_hash, true];
const cbc = ["iv", to_buffer_source, true];
const ctr = ["counter", to_buffer_source, true, "length", to_octet, true];
const gcm = ["additionalData", to_buffer_source, false, "iv", to_buffer_source, true,
  "tagLength", to_octet, false];
const oaep = ["label", to_buffer_source, false];
const pss = ["saltLength", to_long, true];
const dh = ["public", record_of, true];
const hkdf = ["hash", to_hash, true, "info", to_buffer_source, true,
  "salt", to_buffer_source, true];
const pbkdf2 = ["hash", to_hash, true, "iterations", to_long, true,
  "salt", to_buffer_source, true];

const crypt = {
  __proto__: null, "RSA-OAEP": oaep, "AES-CTR": ctr, "AES-CBC": cbc, "AES-GCM": gcm,
};
const sign = {
  __proto__: null, "RSASSA-PKCS1-v1_5": none, "RSA-PSS": pss, "ECDSA": hash, "Ed25519": none,
  "NODE-ED25519": none, "HMAC": none,
};
const wrap = { __proto__: null, "AES-KW": none };

const operations = {
  __proto__: null,
  encrypt: crypt,
  decrypt: crypt,
  sign,
  verify: sign,
  digest: {
    __proto__: null, "SHA-1": none, "SHA-256": none, "SHA-384": none, "SHA-512": none, "MD5": none,
  },
  // MD5 is for digest() alone.
  digest_of_key: {
    __proto__: null, "SHA-1": none, "SHA-256": none, "SHA-384": none, "SHA-512": none,
  },
  generateKey: {
    __proto__: null, "RSASSA-PKCS1-v1_5": rsa_generate, "RSA-PSS": rsa_generate,
    "RSA-OAEP": rsa_generate, "ECDSA": curve, "ECDH": curve, "Ed25519": none, "X25519": none,
    "NODE-ED25519": old_curve, "AES-CTR": aes_length, "AES-CBC": aes_length,
    "AES-GCM": aes_length, "AES-KW": aes_length, "HMAC": hmac,
  },
  importKey: {
    __proto__: null, "RSASSA-PKCS1-v1_5": hash, "RSA-PSS": hash, "RSA-OAEP": hash,
    "ECDSA": curve, "ECDH": curve, "Ed25519": none, "X25519": none, "NODE-ED25519": old_curve,
    "AES-CTR": none, "AES-CBC": none, "AES-GCM": none, "AES-KW": none, "HMAC": hmac,
    "HKDF": none, "PBKDF2": none,
  },
  deriveBits: { __proto__: null, "ECDH": dh, "X25519": dh, "HKDF": hkdf, "PBKDF2": pbkdf2 },
  wrapKey: wrap,
  unwrapKey: wrap,
  key_length: {
    __proto__: null, "AES-CTR": aes_length, "AES-CBC": aes_length, "AES-GCM": aes_length,
    "AES-KW": aes_length, "HMAC": hmac_length, "HKDF": none, "PBKDF2": none,
  },
};

// Names are compared without regard to case, in ASCII.
const names = { __proto__: null };
for (const operation in operations) {
  for (const name in operations[operation]) names[StringPrototypeToUpperCase(name)] = name;
}

function known_name(text) {
  for (let i = 0; i < text.length; i++) {
    if (StringPrototypeCharCodeAt(text, i) > 127) return undefined;
  }
  return names[StringPrototypeToUpperCase(text)];
}

export const is_object = (value) =>
  (typeof value === "object" && value !== null) || typeof value === "function";

function read_parameters(algorithm, parameters, result) {
  for (let i = 0; i < parameters.length; i += 3) {
    const member = parameters[i];
    const value = algorithm === undefined ? undefined : algorithm[member];
    if (value !== undefined) {
      const convert = parameters[i + 1];
      result[member] = convert(value, `Algorithm: ${member}`);
    } else if (parameters[i + 2]) {
      throw new TypeError(`Algorithm: required member ${member} is undefined.`);
    }
  }
  return result;
}

function given_name(algorithm) {
  if (!is_object(algorithm)) return to_dom_string(algorithm);
  const { name } = algorithm;
  if (name === undefined) throw new TypeError("Algorithm: required member name is undefined.");
  return to_dom_string(name);
}

// An object without prototype: the name as the standard has it, and the parameters. A hash is the
// hash's name.
export function normalize(operation, algorithm) {
  const text = given_name(algorithm);
  const name = known_name(text);
  const parameters = name === undefined ? undefined : operations[operation][name];
  if (parameters === undefined) {
    throw not_supported(`Unrecognized or unimplemented algorithm "${text}" for this operation.`);
  }
  return read_parameters(is_object(algorithm) ? algorithm : undefined, parameters, { __proto__: null, name });
}

export function has_operation(operation, algorithm) {
  const name = known_name(given_name(algorithm));
  return name !== undefined && operations[operation][name] !== undefined;
}

// JsonWebKey (Web Cryptography, 15): its members in the order of Web IDL.
const jwk_texts = ["alg", "crv", "d", "dp", "dq", "e"];
const jwk_more_texts = ["p", "q", "qi", "use", "x", "y"];

function read_texts(from, members, jwk) {
  for (let i = 0; i < members.length; i++) {
    const value = from[members[i]];
    if (value !== undefined) jwk[members[i]] = to_dom_string(value);
  }
}

export function to_jwk(value) {
  const jwk = { __proto__: null };
  if (value === undefined || value === null) return jwk;
  if (!is_object(value)) throw new TypeError("The key data must be a buffer or a JsonWebKey.");
  read_texts(value, jwk_texts, jwk);
  const { ext } = value;
  if (ext !== undefined) jwk.ext = !!ext;
  read_texts(value, ["k"], jwk);
  const { key_ops } = value;
  if (key_ops !== undefined) {
    if (!is_object(key_ops)) throw new TypeError("key_ops must be a sequence.");
    const list = [];
    for (const item of key_ops) ArrayPrototypePush(list, to_dom_string(item));
    jwk.key_ops = list;
  }
  read_texts(value, ["kty", "n"], jwk);
  if (value.oth !== undefined) jwk.oth = true;
  read_texts(value, jwk_more_texts, jwk);
  return jwk;
}
