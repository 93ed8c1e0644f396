// Key pairs of RSA, ECDSA, ECDH, Ed25519 and X25519 (Web Cryptography, 20 to 26).
import { TypedArrayPrototypeGetLength } from "../../base/primordials.js";
import { own_ops } from "../../parts/own_ops.js";
import {
  access_error, breath, curve_kinds, data_error, kEd25519, kPkcs8, kRaw, kRsa, kSpki, kX25519,
  not_supported, operation_error, require_result, syntax_error,
} from "./codes.js";
import {
  finish_record, kDecrypt, kDeriveBits, kDeriveKey, kEncrypt, kSign, kUnwrapKey, kVerify, kWrapKey,
  new_record, require_usages, usage_list,
} from "./key.js";
import { check_jwk_use } from "./symmetric.js";

const { jwk_read, jwk_write, key_pair, key_read, key_rsa_facts, key_write } = own_ops;

const kOkp = 1;
const kCurve = 2;

// family: kRsa, kOkp or kCurve; jwk_use: what `use` of a JWK must be.
const signing = { public_usages: kVerify, private_usages: kSign, jwk_use: "sig" };
const agreeing = { public_usages: 0, private_usages: kDeriveKey | kDeriveBits, jwk_use: "enc" };
const families = {
  __proto__: null,
  "RSASSA-PKCS1-v1_5": { ...signing, family: kRsa, jwk_prefix: "RS", sha1_name: "RS1" },
  "RSA-PSS": { ...signing, family: kRsa, jwk_prefix: "PS", sha1_name: "PS1" },
  "RSA-OAEP": {
    family: kRsa, jwk_prefix: "RSA-OAEP-", sha1_name: "RSA-OAEP", jwk_use: "enc",
    public_usages: kEncrypt | kWrapKey, private_usages: kDecrypt | kUnwrapKey,
  },
  "ECDSA": { ...signing, family: kCurve },
  "ECDH": { ...agreeing, family: kCurve },
  "Ed25519": { ...signing, family: kOkp, kind: kEd25519, crv: "Ed25519" },
  "NODE-ED25519": { ...signing, family: kOkp, kind: kEd25519, crv: "Ed25519" },
  "X25519": { ...agreeing, family: kOkp, kind: kX25519, crv: "X25519" },
};
const hash_bits = {
  __proto__: null, "SHA-256": "256", "SHA-384": "384", "SHA-512": "512",
};
const ecdsa_jwk_names = { __proto__: null, "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

export const is_asymmetric = (name) => families[name] !== undefined;

// The code of native.h; undefined for a curve that is not known.
export function kind_of(algorithm) {
  const { family, kind } = families[algorithm.name];
  return family === kRsa ? kRsa : family === kOkp ? kind : curve_kinds[algorithm.namedCurve];
}

// --- making ---

function exponent_of(bytes) {
  let value = 0;
  for (let i = 0; i < TypedArrayPrototypeGetLength(bytes); i++) {
    value = value * 256 + bytes[i];
    if (value > 65537) return 0;
  }
  return value;
}

// {publicKey, privateKey}: records
export function generate_pair(algorithm, extractable, usages) {
  const { name, hash, modulusLength, publicExponent } = algorithm;
  const { family, public_usages, private_usages } = families[name];
  require_usages(usages, public_usages | private_usages);
  const kind = kind_of(algorithm);
  if (kind === undefined) throw not_supported("The curve is not supported.");
  const namedCurve = check_old_name(algorithm);
  let exponent = 0;
  if (family === kRsa) {
    exponent = exponent_of(publicExponent);
    if (exponent !== 3 && exponent !== 65537) {
      throw operation_error("The public exponent must be 3 or 65537.");
    }
    if (modulusLength < 512 || modulusLength > 4096 || modulusLength % 128 !== 0) {
      throw operation_error("The modulus of a key that is made must be 512 to 4096 bits, " +
        "a multiple of 128.");
    }
  }
  if ((usages & private_usages) === 0) throw syntax_error("A private key needs a usage.");
  const shape = { __proto__: null, name, hash, modulusLength, publicExponent, namedCurve };
  const publicKey = new_record("public", true, shape, usages & public_usages);
  const privateKey = new_record("private", extractable, shape, usages & private_usages);
  const ids = require_result(key_pair(publicKey, privateKey, kind, extractable, modulusLength,
    exponent, breath), "generateKey");
  publicKey.id = ids[0];
  privateKey.id = ids[1];
  return { publicKey, privateKey };
}

// Workers' NODE-ED25519 has a curve, always the same. Gives the curve that a key shows.
function check_old_name({ name, namedCurve }) {
  if (name !== "NODE-ED25519") return namedCurve;
  if (namedCurve !== undefined && namedCurve !== "NODE-ED25519") {
    throw not_supported("The curve is not supported.");
  }
  return "NODE-ED25519";
}

// --- import ---

function jwk_hash_name({ jwk_prefix, sha1_name }, hash) {
  return hash === "SHA-1" ? sha1_name : jwk_prefix + hash_bits[hash];
}

function check_jwk(jwk, algorithm, scheme, usages, extractable) {
  const { name, hash, namedCurve } = algorithm;
  const { family, crv } = scheme;
  const kty = family === kRsa ? "RSA" : family === kOkp ? "OKP" : "EC";
  if (jwk.kty !== kty) throw data_error(`The JWK's "kty" must be "${kty}".`);
  check_jwk_use(jwk, scheme.jwk_use, usages, extractable);
  const { alg } = jwk;
  if (family === kRsa) {
    if (alg !== undefined && alg !== jwk_hash_name(scheme, hash)) {
      throw data_error('The JWK\'s "alg" is of another algorithm or hash.');
    }
    if (jwk.d !== undefined && jwk.oth !== undefined) {
      throw not_supported("RSA keys with more than two primes are not supported.");
    }
    return;
  }
  if (jwk.crv !== (crv ?? namedCurve)) throw data_error('The JWK\'s "crv" is another curve.');
  if (alg === undefined) return;
  if ((name === "ECDSA" && alg !== ecdsa_jwk_names[namedCurve]) ||
      (crv === "Ed25519" && alg !== "Ed25519" && alg !== "EdDSA")) {
    throw data_error('The JWK\'s "alg" is another algorithm.');
  }
}

// The members for jwk_read.
function jwk_members(jwk, family) {
  const { d } = jwk;
  if (family === kRsa) {
    if (d === undefined) return [jwk.n, jwk.e];
    return [jwk.n, jwk.e, d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi];
  }
  if (family === kOkp) return d === undefined ? [jwk.x] : [jwk.x, d];
  return d === undefined ? [jwk.x, jwk.y] : [jwk.x, jwk.y, d];
}

const forms = { __proto__: null, raw: kRaw, spki: kSpki, pkcs8: kPkcs8 };

export function import_asymmetric(format, data, algorithm, extractable, usages) {
  const { name, hash } = algorithm;
  const scheme = families[name];
  const { family } = scheme;
  if (format === "raw" && family === kRsa) throw not_supported(`${name} keys cannot be imported as raw.`);
  const is_private = format === "pkcs8" || (format === "jwk" && data.d !== undefined);
  require_usages(usages, is_private ? scheme.private_usages : scheme.public_usages);
  if (format === "jwk") check_jwk(data, algorithm, scheme, usages, extractable);
  const kind = kind_of(algorithm);
  if (kind === undefined) throw data_error("The curve is not supported.");
  const namedCurve = check_old_name(algorithm);
  const shape = { __proto__: null, name, hash, namedCurve };
  const record = new_record(is_private ? "private" : "public", extractable, shape, usages);
  let id;
  if (format === "jwk") {
    const members = jwk_members(data, family);
    for (let i = 0; i < members.length; i++) {
      if (members[i] === undefined) throw data_error("The JWK lacks a member.");
    }
    id = jwk_read(record, kind, members, is_private, extractable);
  } else {
    id = key_read(record, kind, forms[format], data, extractable);
  }
  if (id === undefined) throw data_error("The key data is not a valid key of that kind.");
  finish_record(record, id, "importKey");
  if (family === kRsa) {
    const facts = key_rsa_facts(id);
    shape.modulusLength = facts[0];
    shape.publicExponent = facts[1];
  }
  return record;
}

// --- export ---

function export_jwk(record) {
  const { name, hash, namedCurve } = record.algorithm;
  const scheme = families[name];
  const members = require_result(jwk_write(record.id), "exportKey");
  const shared = { key_ops: usage_list(record.usages), ext: record.extractable };
  if (scheme.family === kRsa) {
    const jwk = { kty: "RSA", alg: jwk_hash_name(scheme, hash), n: members[0], e: members[1] };
    if (members.length === 2) return { ...jwk, ...shared };
    return {
      ...jwk, d: members[2], p: members[3], q: members[4], dp: members[5], dq: members[6],
      qi: members[7], ...shared,
    };
  }
  if (scheme.family === kOkp) {
    const jwk = { kty: "OKP", crv: scheme.crv, x: members[0], ...shared };
    if (scheme.crv === "Ed25519") jwk.alg = "Ed25519";
    return members.length === 1 ? jwk : { ...jwk, d: members[1] };
  }
  const jwk = { kty: "EC", crv: namedCurve, x: members[0], y: members[1], ...shared };
  return members.length === 2 ? jwk : { ...jwk, d: members[2] };
}

export function export_asymmetric(format, record) {
  const { name } = record.algorithm;
  if (format === "jwk") return export_jwk(record);
  if (format === "raw" && families[name].family === kRsa) {
    throw not_supported(`${name} keys cannot be exported as raw.`);
  }
  const wanted = format === "pkcs8" ? "private" : "public";
  if (record.type !== wanted) {
    throw access_error(`A ${record.type} key cannot be exported as ${format}.`);
  }
  return require_result(key_write(record.id, forms[format]), "exportKey");
}
