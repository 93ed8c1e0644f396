import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const { subtle } = crypto;
const bytes = (hex) => Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (x) => parseInt(x, 16));
const hex = (data) => Array.from(new Uint8Array(data.buffer ?? data), (x) => x.toString(16).padStart(2, "0")).join("");
const text = (string) => new TextEncoder().encode(string);
const top_level_digest = await subtle.digest("SHA-256", text("abc"));

// FIPS 180-4's "abc", by NIST's examples; RFC 1321, A.5.
export const digests = {
  async test() {
    const abc = {
      "SHA-1": "a9993e364706816aba3e25717850c26c9cd0d89d",
      "SHA-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23" +
        "58baeca134c825a7",
      "SHA-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8" +
        "36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      "MD5": "900150983cd24fb0d6963f7d28e17f72",
    };
    for (const name in abc) {
      assert_equals(hex(await subtle.digest(name, text("abc"))), abc[name], name);
      assert_equals(hex(await subtle.digest({ name: name.toLowerCase() }, text("abc"))), abc[name]);
    }
    assert_equals(hex(top_level_digest), abc["SHA-256"]);
    // FIPS 180-4's million of "a", and more than one slice of it.
    assert_equals(hex(await subtle.digest("SHA-256", new Uint8Array(1e6).fill(97))),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    await assert_rejects(subtle.digest("SHA-3", text("")), "NotSupportedError");
    await assert_rejects(subtle.digest("\u017fHA-1", text("")), "NotSupportedError");
    await assert_rejects(subtle.digest("SHA-1", "text"), TypeError);
    await assert_rejects(subtle.digest({}, text("")), TypeError);
  },
};

export const digest_streams = {
  async test() {
    const stream = new crypto.DigestStream("SHA-256");
    assert(stream instanceof WritableStream);
    const writer = stream.getWriter();
    await writer.write("a");
    await writer.write(text("xbcx").subarray(1, 3));
    assert_equals(stream.bytesWritten, 3);
    await writer.close();
    assert_equals(hex(await stream.digest),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const aborted = new crypto.DigestStream("MD5");
    aborted.abort(new RangeError("no"));
    await assert_rejects(aborted.digest, RangeError);
    const wrong = new crypto.DigestStream("MD5");
    wrong.getWriter().write(7).catch(() => undefined);
    await assert_rejects(wrong.digest, TypeError);
    assert_throws(() => new crypto.DigestStream("SHA-3"), "NotSupportedError");
    const piped = new crypto.DigestStream("SHA-256");
    await new Response("abc").body.pipeTo(piped);
    assert_equals(hex(await piped.digest), hex(top_level_digest));
  },
};

export const constant_time = {
  test() {
    assert(subtle.timingSafeEqual(text("abc"), text("abc").buffer));
    assert(!subtle.timingSafeEqual(text("abc"), text("abd")));
    assert_throws(() => subtle.timingSafeEqual(text("a"), text("ab")), TypeError,
      "Input buffers must have the same byte length.");
    assert_throws(() => subtle.timingSafeEqual("a", "a"), TypeError);
  },
};

// RFC 4231, 4.3.
export const hmac = {
  async test() {
    const key = await subtle.importKey("raw", text("Jefe"), { name: "HMAC", hash: "SHA-256" }, true,
      ["verify", "sign"]);
    assert_equals(key.usages, ["sign", "verify"]);
    assert_equals(key.algorithm, { name: "HMAC", hash: { name: "SHA-256" }, length: 32 });
    const data = text("what do ya want for nothing?");
    const signature = await subtle.sign("hmac", key, data);
    assert_equals(hex(signature),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert(await subtle.verify("HMAC", key, signature, data));
    assert(!await subtle.verify("HMAC", key, signature.slice(1), data));
    assert_equals(await subtle.exportKey("jwk", key), {
      kty: "oct", k: "SmVmZQ", alg: "HS256", key_ops: ["sign", "verify"], ext: true,
    });
    await assert_rejects(subtle.importKey("raw", new Uint8Array(), { name: "HMAC", hash: "SHA-1" },
      true, ["sign"]), "DataError");
    await assert_rejects(subtle.importKey("raw", text("a"), { name: "HMAC", hash: "MD5" }, true,
      ["sign"]), "NotSupportedError");
  },
};

// SP 800-38A, F.2.1, F.2.5 and F.5.1; SP 800-38D by McGrew and Viega's test case 4.
export const aes = {
  async test() {
    const raw = bytes("2b7e151628aed2a6abf7158809cf4f3c");
    const block = bytes("6bc1bee22e409f96e93d7e117393172a");
    const iv = bytes("000102030405060708090a0b0c0d0e0f");
    const usages = ["encrypt", "decrypt"];
    const cbc = await subtle.importKey("raw", raw, "AES-CBC", false, usages);
    const made = await subtle.encrypt({ name: "AES-CBC", iv }, cbc, block);
    assert_equals(hex(made).slice(0, 32), "7649abac8119b246cee98e9b12e9197d");
    assert_equals(hex(await subtle.decrypt({ name: "AES-CBC", iv }, cbc, made)), hex(block));
    await assert_rejects(subtle.decrypt({ name: "AES-CBC", iv }, cbc, made.slice(1)), "OperationError");
    await assert_rejects(subtle.encrypt({ name: "AES-CBC", iv: raw.subarray(1) }, cbc, block), "OperationError");

    const ctr = await subtle.importKey("raw", raw, "AES-CTR", false, usages);
    const counter = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    assert_equals(hex(await subtle.encrypt({ name: "AES-CTR", counter, length: 128 }, ctr, block)),
      "874d6191b620e3261bef6864990db6ce");
    // The counter wraps within its bits: as two pieces by hand.
    const zeros = new Uint8Array(48);
    const wrapped = await subtle.encrypt({ name: "AES-CTR", counter, length: 4 }, ctr, zeros);
    const second = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfef0");
    const rest = await subtle.encrypt({ name: "AES-CTR", counter: second, length: 128 }, ctr,
      zeros.subarray(16));
    assert_equals(hex(wrapped).slice(32), hex(rest));
    await assert_rejects(subtle.encrypt({ name: "AES-CTR", counter, length: 1 }, ctr, zeros),
      "OperationError");

    const gcm = await subtle.importKey("raw", bytes("feffe9928665731c6d6a8f9467308308"), "AES-GCM",
      false, usages);
    const plain = bytes("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c959568" +
      "09532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    const params = {
      name: "AES-GCM", iv: bytes("cafebabefacedbaddecaf888"),
      additionalData: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
    };
    const sealed = await subtle.encrypt(params, gcm, plain);
    assert_equals(hex(sealed), "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b2" +
      "5466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091" + "5bc94fbc3221a5db94fae95ae7121a47");
    assert_equals(hex(await subtle.decrypt(params, gcm, sealed)), hex(plain));
    const forged = new Uint8Array(sealed.slice());
    forged[3] ^= 1;
    await assert_rejects(subtle.decrypt(params, gcm, forged), "OperationError");
    await assert_rejects(subtle.decrypt(params, gcm, new Uint8Array(3)), "OperationError");
    await assert_rejects(subtle.encrypt({ ...params, tagLength: 100 }, gcm, plain), "OperationError");
    await assert_rejects(subtle.exportKey("raw", gcm), "InvalidAccessError");
    await assert_rejects(subtle.encrypt(params, cbc, plain), "InvalidAccessError");
  },
};

// RFC 3394, 4.1.
export const key_wrap = {
  async test() {
    const kek = await subtle.importKey("raw", bytes("000102030405060708090A0B0C0D0E0F"), "AES-KW", false,
      ["wrapKey", "unwrapKey"]);
    const key = await subtle.importKey("raw", bytes("00112233445566778899AABBCCDDEEFF"), "AES-GCM", true,
      ["encrypt"]);
    const wrapped = await subtle.wrapKey("raw", key, kek, "AES-KW");
    assert_equals(hex(wrapped), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
    const back = await subtle.unwrapKey("raw", wrapped, kek, "AES-KW", "AES-GCM", true, ["decrypt"]);
    assert_equals(hex(await subtle.exportKey("raw", back)), "00112233445566778899aabbccddeeff");
    wrapped.slice();
    const broken = new Uint8Array(wrapped.slice());
    broken[0] ^= 1;
    await assert_rejects(subtle.unwrapKey("raw", broken, kek, "AES-KW", "AES-GCM", true, ["decrypt"]),
      "OperationError");
    const gcm = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["wrapKey", "unwrapKey"]);
    const how = { name: "AES-GCM", iv: new Uint8Array(12) };
    Object.prototype.toJSON = Array.prototype.toJSON = () => "stolen";
    let as_jwk;
    try {
      as_jwk = await subtle.wrapKey("jwk", key, gcm, how);
    } finally {
      delete Object.prototype.toJSON;
      delete Array.prototype.toJSON;
    }
    const again = await subtle.unwrapKey("jwk", as_jwk, gcm, how, "AES-GCM", true, ["encrypt"]);
    assert_equals(hex(await subtle.exportKey("raw", again)), "00112233445566778899aabbccddeeff");
    await assert_rejects(subtle.wrapKey("raw", gcm, kek, "AES-KW"), "InvalidAccessError");
  },
};

// RFC 5869, A.1; RFC 6070's third; RFC 7748, 5.2.
export const derivation = {
  async test() {
    const hkdf = await subtle.importKey("raw", bytes("0b".repeat(22)), "HKDF", false,
      ["deriveBits", "deriveKey"]);
    const expand = {
      name: "HKDF", hash: "SHA-256", salt: bytes("000102030405060708090a0b0c"),
      info: bytes("f0f1f2f3f4f5f6f7f8f9"),
    };
    assert_equals(hex(await subtle.deriveBits(expand, hkdf, 336)),
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    await assert_rejects(subtle.deriveBits(expand, hkdf, 255 * 256 + 8), "OperationError");
    const password = await subtle.importKey("raw", text("password"), "PBKDF2", false,
      ["deriveBits", "deriveKey"]);
    const slow = { name: "PBKDF2", hash: "SHA-1", salt: text("salt"), iterations: 4096 };
    assert_equals(hex(await subtle.deriveBits(slow, password, 160)),
      "4b007901b765489abead49d926f721d065a429c1");
    const derived = await subtle.deriveKey(slow, password, { name: "AES-GCM", length: 128 }, true, ["encrypt"]);
    assert_equals(hex(await subtle.exportKey("raw", derived)), "4b007901b765489abead49d926f721d0");
    await assert_rejects(subtle.deriveBits({ ...slow, iterations: 0 }, password, 8), "OperationError");
    await assert_rejects(subtle.deriveBits(slow, password, null), "OperationError");

    const alice = await subtle.importKey("pkcs8", bytes("302e020100300506032b656e04220420" +
      "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"), "X25519", true, ["deriveBits"]);
    const bob = await subtle.importKey("raw",
      bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"), "X25519", true, []);
    const agreed = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552";
    const agree = { name: "X25519", public: bob };
    assert_equals(hex(await subtle.deriveBits(agree, alice)), agreed);
    assert_equals(hex(await subtle.deriveBits(agree, alice, 12)), agreed.slice(0, 3) + "0");
    await assert_rejects(subtle.deriveBits(agree, alice, 264), "OperationError");
    // A point of small order gives a secret that everybody knows.
    const small = await subtle.importKey("raw", new Uint8Array(32), "X25519", true, []);
    await assert_rejects(subtle.deriveBits({ name: "X25519", public: small }, alice), "OperationError");
    const jwk = await subtle.exportKey("jwk", alice);
    await assert_rejects(subtle.importKey("jwk", { ...jwk, d: jwk.x }, "X25519", true, ["deriveBits"]), "DataError");
  },
};

// RFC 8032, 7.1, the second; RFC 7515, A.3.
export const signatures = {
  async test() {
    const jwk = { kty: "OKP", crv: "Ed25519", x: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
      d: "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs" };
    for (const name of ["Ed25519", "NODE-ED25519"]) {
      const algorithm = name === "Ed25519" ? name : { name, namedCurve: name };
      const key = await subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
      assert_equals(key.algorithm, name === "Ed25519" ? { name } : { name, namedCurve: name });
      const signature = await subtle.sign(name, key, bytes("72"));
      assert_equals(hex(signature), "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
      const { d, ...open } = jwk;
      const other = await subtle.importKey("jwk", open, algorithm, true, ["verify"]);
      assert(await subtle.verify(name, other, signature, bytes("72")));
      assert(!await subtle.verify(name, other, signature, bytes("73")));
      await assert_rejects(subtle.exportKey("jwk", key), "InvalidAccessError");
    }
    const es256 = await subtle.importKey("jwk", {
      kty: "EC", crv: "P-256", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
    const signed = text("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt" +
      "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
    const signature = Uint8Array.fromBase64("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA" +
      "pmWQxfKTUJqPP3-Kg6NU1Q", { alphabet: "base64url" });
    assert(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, es256, signature, signed));
    assert(!await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, es256, signature.subarray(1), signed));
  },
};

const pairs = [
  [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, "RSASSA-PKCS1-v1_5", "sign", "verify"],
  [{ name: "RSA-PSS", hash: "SHA-384" }, { name: "RSA-PSS", saltLength: 20 }, "sign", "verify"],
  [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }, "sign", "verify"],
  [{ name: "ECDSA", namedCurve: "P-384" }, { name: "ECDSA", hash: "SHA-512" }, "sign", "verify"],
  [{ name: "ECDSA", namedCurve: "P-521" }, { name: "ECDSA", hash: "SHA-1" }, "sign", "verify"],
  [{ name: "Ed25519" }, "Ed25519", "sign", "verify"],
];

export const pairs_in_every_form = {
  async test() {
    for (const [kind, how, ...usages] of pairs) {
      const params = kind.name.startsWith("RSA")
        ? { ...kind, modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) } : kind;
      const { publicKey, privateKey } = await subtle.generateKey(params, true, usages);
      assert_equals([publicKey.type, privateKey.type], ["public", "private"]);
      for (const form of ["pkcs8", "jwk"]) {
        const moved = await subtle.exportKey(form, privateKey);
        const again = await subtle.importKey(form, moved, kind, true, ["sign"]);
        const signature = await subtle.sign(how, again, text("data"));
        for (const open of kind.name.startsWith("RSA") ? ["spki", "jwk"] : ["spki", "jwk", "raw"]) {
          const shown = await subtle.exportKey(open, publicKey);
          const verifier = await subtle.importKey(open, shown, kind, true, ["verify"]);
          assert_equals(verifier.algorithm, publicKey.algorithm);
          assert(await subtle.verify(how, verifier, signature, text("data")), `${kind.name} ${form} ${open}`);
          assert(!await subtle.verify(how, verifier, signature, text("date")));
        }
      }
      await assert_rejects(subtle.sign(how, publicKey, text("")), "InvalidAccessError");
      await assert_rejects(subtle.exportKey("spki", privateKey), "InvalidAccessError");
      await assert_rejects(subtle.exportKey("pkcs8", publicKey), "InvalidAccessError");
    }
  },
};

export const oaep = {
  async test() {
    const kind = { name: "RSA-OAEP", hash: "SHA-256" };
    const { publicKey, privateKey } = await subtle.generateKey(
      { ...kind, modulusLength: 2048, publicExponent: new Uint8Array([3]) }, false,
      ["encrypt", "decrypt", "wrapKey", "unwrapKey"]);
    const how = { name: "RSA-OAEP", label: text("label") };
    const sealed = await subtle.encrypt(how, publicKey, text("secret"));
    assert_equals(hex(await subtle.decrypt(how, privateKey, sealed)), hex(text("secret")));
    await assert_rejects(subtle.decrypt("RSA-OAEP", privateKey, sealed), "OperationError");
    await assert_rejects(subtle.encrypt(how, publicKey, new Uint8Array(191)), "OperationError");
    const aes = await subtle.generateKey({ name: "AES-CBC", length: 128 }, true, ["encrypt"]);
    const wrapped = await subtle.wrapKey("raw", aes, publicKey, "RSA-OAEP");
    const back = await subtle.unwrapKey("raw", wrapped, privateKey, "RSA-OAEP", "AES-CBC", true, ["encrypt"]);
    assert_equals(await subtle.exportKey("raw", back), await subtle.exportKey("raw", aes));
  },
};

export const keys_are_cloned = {
  async test() {
    const key = await subtle.importKey("raw", new Uint8Array(16), "AES-CBC", false, ["encrypt"]);
    const copy = structuredClone({ key }).key;
    assert(copy instanceof CryptoKey && copy !== key);
    assert_equals([copy.type, copy.extractable, copy.algorithm, copy.usages],
      ["secret", false, { name: "AES-CBC", length: 128 }, ["encrypt"]]);
    const how = { name: "AES-CBC", iv: new Uint8Array(16) };
    assert_equals(await subtle.encrypt(how, copy, text("a")), await subtle.encrypt(how, key, text("a")));
    await assert_rejects(subtle.exportKey("raw", copy), "InvalidAccessError");
  },
};

export const hostile_arguments = {
  async test() {
    assert_throws(() => new CryptoKey(), TypeError, "Illegal constructor");
    assert_throws(() => new SubtleCrypto(), TypeError, "Illegal constructor");
    await assert_rejects(SubtleCrypto.prototype.digest.call({}, "MD5", text("")), TypeError);
    const usages = ["encrypt", "decrypt"];
    const key = await subtle.importKey("raw", new Uint8Array(16), "AES-CBC", true, usages);
    // What a getter does to a buffer is seen, and nothing else.
    const iv = new Uint8Array(16), data = new Uint8Array(100);
    await assert_rejects(subtle.encrypt({ name: "AES-CBC", get iv() {
      structuredClone(iv, { transfer: [iv.buffer] });
      return iv;
    } }, key, data), "OperationError");
    const growing = new ArrayBuffer(64, { maxByteLength: 1 << 20 });
    const shrunk = await subtle.digest({ get name() {
      growing.resize(0);
      return "SHA-1";
    } }, growing);
    assert_equals(hex(shrunk), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    structuredClone(data, { transfer: [data.buffer] });
    assert_equals(hex(await subtle.digest("SHA-1", data)), hex(shrunk));
    // The objects that a key shows are the user's.
    key.algorithm.name = "AES-GCM";
    key.usages.length = 0;
    await subtle.encrypt({ name: "AES-CBC", iv: new Uint8Array(16) }, key, text("a"));
    await assert_rejects(subtle.importKey("raw", new Uint8Array(15), "AES-CBC", true, usages), "DataError");
    await assert_rejects(subtle.importKey("raw", new Uint8Array(16), "AES-CBC", true, []), "SyntaxError");
    await assert_rejects(subtle.importKey("raw", new Uint8Array(16), "AES-CBC", true, ["sign"]), "SyntaxError");
    await assert_rejects(subtle.importKey("raw", new Uint8Array(16), "AES-CBC", true, ["hum"]), TypeError);
    await assert_rejects(subtle.importKey("rare", new Uint8Array(16), "AES-CBC", true, usages), TypeError);
    await assert_rejects(subtle.importKey("jwk", new Uint8Array(16), "AES-CBC", true, usages), TypeError);
    await assert_rejects(subtle.importKey("spki", new Uint8Array(16), "AES-CBC", true, usages), "NotSupportedError");
    const rsa = { name: "RSA-PSS", hash: "SHA-256" };
    for (const junk of ["", "00", "30", "3080", "30820101", "30030201", "05".repeat(20000)]) {
      await assert_rejects(subtle.importKey("spki", bytes(junk), rsa, true, ["verify"]), "DataError");
      await assert_rejects(subtle.importKey("pkcs8", bytes(junk), rsa, true, ["sign"]), "DataError");
      await assert_rejects(subtle.importKey("raw", bytes(junk), { name: "ECDH", namedCurve: "P-256" }, true, []),
        "DataError");
    }
    await assert_rejects(subtle.importKey("raw", new Uint8Array(1 << 20), "HKDF", false, ["deriveBits"]), "DataError");
    const huge = "_".repeat(2200);  // 13,200 bits
    await assert_rejects(subtle.importKey("jwk", { kty: "RSA", n: huge, e: "AQAB" }, rsa, true, ["verify"]),
      "DataError");
    const bad = { ...rsa, publicExponent: new Uint8Array([1, 0, 1]) };
    await assert_rejects(subtle.generateKey({ ...bad, modulusLength: 1 << 20 }, true, ["sign"]), "OperationError");
    await assert_rejects(subtle.generateKey({ ...bad, modulusLength: 2048, publicExponent: new Uint8Array([2]) },
      true, ["sign"]), "OperationError");
  },
};
