// node:crypto. Signatures and ciphertexts below were made by Node.js with these keys.
import crypto, { createHash, createHmac } from "node:crypto";
import { assert, assert_equals, assert_throws } from "../testing/assert.js";

const rsa_private = "-----BEGIN PRIVATE KEY-----\n" +
  "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQChXGt2V9MI7qKa\n" +
  "zPZp42oOngbtezf6ZvVDFbt15H5jpMhVKWosJujhfJ8kFhUDv54mNqfGTkhe9PjZ\n" +
  "eBcHKPDwWBl5Q8IVU2GxeD2BlqcXc48Sx1oQjS/0KtwXbBAjeCCiTj6RfuWM73hN\n" +
  "EDZ1RshfyxfqWMJjpXUVfkPLc2887OI8/MH3XgqgwaiBXnp67+8u/ZlekhcF7k7p\n" +
  "RbfXWVUPhfcOZGsSDPVZbjp3GO+zruIPY/CPYu0u9ziGvhrMX1tB6oAV54NXDzxX\n" +
  "vv1kVHEywWIA+5oMNtyCtwKrc3JmSppIuD8b8gasA1/JNAHMOQbPq2zQzGdI/Mtn\n" +
  "C/dg1RvHAgMBAAECggEAQNn3mK8QcokSUhvpN0J+mBRcHWsF4v4pOYaM+oNUZrDO\n" +
  "ESgdc1RKCYIAJc04MfL72UjjIjjJLlzPfPueabLDLx2BU3LvmImT/HMiaShGzI6V\n" +
  "pIr5gCh2avAk18cHL3Iyz3iZ/fjdwkhmdbZ75KOHmbRyzq1QpyLTDUnbbnPc88Nv\n" +
  "dJF6OxRLZEfwh4oSJp3sc+bP1isoNCgdAENynV7wh03R04Npd2ZLVW5R7awPnejy\n" +
  "gRev4+OIn06z0fPkJie3wyp6jqr8izExjDFC4loxpozD0aOT33Q42VQIf0p0g9Ud\n" +
  "dTTx6XRFtfFLBUZctDnS/9bHbEhDlkmtA/aVoZ5LJQKBgQDQ+oksteKcbZYuS91Y\n" +
  "f4SyQI5O7xWDX/rr3sW61GyqioxGhXbxWXJZr7sB3trEY6VEiZFE7oOqNEJ8KiY/\n" +
  "6FdwT6/XiGC6W2qfFW+p9Zwz0QThWwoc9yxzZPPO5qVf+OmE4LNtaXg2x4TQkqfT\n" +
  "Egxho6i/McSfNc8L5K7bqP0zHQKBgQDFqwp56j3yYr4H5DdwiTtNUdms30cFJYIC\n" +
  "qA8hMWz4hhH7SEccg/FKrhJ+zT3ynGGv5EhK+YMpd8UiwdxcMfJQDAHQMPv7hrLj\n" +
  "uEOzcWRHskaSDSwiZ/0WYrUEyGWNme5UnzwbG4s978TGxcCGlV9I/jct08AoJ2vc\n" +
  "XoIpdssRMwKBgG31pgA0pEyTDRbHLGzIjFYOydKW0scR1cIOshQgeh0yUaU5zOAp\n" +
  "pJW0db4COTJlDC0IBbwzlGwWm3Uh6IZwBrI9+9R5Ggx01aFnch4H8m0BaoP5l1Su\n" +
  "amE9mVwg2JurKZSVd1P2zx5j1Wq6ADx7nrAxoTUZRtBPS+aCKc/DF5exAoGAPqLP\n" +
  "ZAh87rSpYNjJVIi32O1p26S43YGgK/VTLgJ6dFoPkp+5oOiSaka0p6ejzKAPOGxP\n" +
  "GCrujBJezn+9sx1EmmbjoDQVdQOe5hf6o/73dtygDiHMbW6kPRa0I7rYq0Euy3PV\n" +
  "2QUmX079/LqnIj5s/jVICOaDinXLcP4lorv45w8CgYA8FztvdRJzUw3Sx3iiqRt+\n" +
  "7f+TAzOWudHbkjuxWV8DB+Q5PHbaQEopDSZA9e8xzG2+ZG2xJ20l1hS040yyW8O4\n" +
  "wSNAZURHeimfKGrDJOH3hl0zA8DwCWLy+MIYxbMvB4vPjc6BT1jaA7frORnG6Ukt\n" +
  "IvIYOJ3YXcOWpTZ3mu80hg==\n" +
  "-----END PRIVATE KEY-----\n";

const rsa_public = "-----BEGIN PUBLIC KEY-----\n" +
  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoVxrdlfTCO6imsz2aeNq\n" +
  "Dp4G7Xs3+mb1QxW7deR+Y6TIVSlqLCbo4XyfJBYVA7+eJjanxk5IXvT42XgXByjw\n" +
  "8FgZeUPCFVNhsXg9gZanF3OPEsdaEI0v9CrcF2wQI3ggok4+kX7ljO94TRA2dUbI\n" +
  "X8sX6ljCY6V1FX5Dy3NvPOziPPzB914KoMGogV56eu/vLv2ZXpIXBe5O6UW311lV\n" +
  "D4X3DmRrEgz1WW46dxjvs67iD2Pwj2LtLvc4hr4azF9bQeqAFeeDVw88V779ZFRx\n" +
  "MsFiAPuaDDbcgrcCq3NyZkqaSLg/G/IGrANfyTQBzDkGz6ts0MxnSPzLZwv3YNUb\n" +
  "xwIDAQAB\n" +
  "-----END PUBLIC KEY-----\n";

const ec_private = "-----BEGIN EC PRIVATE KEY-----\n" +
  "MHcCAQEEIK8ZKVEkn/brIhV9qc9pCgGH11po6Keq0H9TgQcrYl7AoAoGCCqGSM49\n" +
  "AwEHoUQDQgAEjCN8gD/3nklQr2jrbVUAvvgEBfbxxaom01sFumbJ1q9/i7YcxtqT\n" +
  "RAU37n/o3c64n5LbBFr69Ej5C59m+vI9tA==\n" +
  "-----END EC PRIVATE KEY-----\n";

const ec_public = "-----BEGIN PUBLIC KEY-----\n" +
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjCN8gD/3nklQr2jrbVUAvvgEBfbx\n" +
  "xaom01sFumbJ1q9/i7YcxtqTRAU37n/o3c64n5LbBFr69Ej5C59m+vI9tA==\n" +
  "-----END PUBLIC KEY-----\n";

const ec_encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" +
  "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjUlL5MbWDX7gICCAAw\n" +
  "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBDmJbgJx7QhrmyQgIvkZpMEgZBk\n" +
  "tiY+ysN07yf2EjRuhiEhp+Ad5AhQ1f7jBAGSGpwM5xwhcubTJPGZpbkkPombVIMQ\n" +
  "9I5MYNVHFKxBiE3AZ+pb7kPWef0wcc0uYZKF8LPo1HnQ+cVU8LIMci9r4SEr/ISc\n" +
  "B8QVFjXNCFGvYWBwfiyTJ7LqP/D5ovw/08YbFwEmvt/JUN1TL5FhYrQliYtdiig=\n" +
  "-----END ENCRYPTED PRIVATE KEY-----\n";

const sig_base64 =
  "fcwmiYUvEYL3NwpmwG8+neDz8fyxlvmlZWaFYrdxYEGOoIe4s3tqCKGkBvub11Hx+JZI7T44iHfw5fLIhFUL+6mPH28nqECeMMJQ" +
  "wCVs7gZ6Bh/42flmnjATNgCeNSt2E9TV/pRhRGNPASeIBL5owsTEZ7YWl0Kdxp2XVxfzlCsmfj8bvhKtJcNtvNBHbPFLhsd7KpMM" +
  "SQvjgmIAx1EFpyRo+VfBYt8o+s/hi2etFTJZi2tw+ATLlS17UqRR8k3QDXWBbmaWxMiuAc94Jy9yYrVk2/UVd4x2ZVXsA1TNfVbw" +
  "mcTVFjYtlBQTLWGOy6SN7bxi5VaGKoz7JVzxc4lG4Q==";
const pss_base64 =
  "c94XO6Bi770cnrvGbNySW6C1NP8RQ/oN6exkKXlaepdhGmXGtPXVGYLhgQPBsxSxzT0Q2Zv9A+aDJbN69Ltvh6hgcXc0qqM2y9SF" +
  "7w8eZDevFoVxUGmfi5bcUucpCcOjmpuoHQcsH6a2fyWxYismmvSwIzaGCG/Dx4cMO3kCJCCeGqt9u5+UWRI9NTQYkwnqQBES5iiO" +
  "QiTXWyKB3dASN+eE/BKScOJknyECinEi88VCdHgxWG0KMUMhxD8WfEfe7SAoa6MpTJ3/mK9edKftViNNzCPDLXMzwgo1h0ZAGkcn" +
  "ey3EPo1g+ousSag+YAF2scJnf8UKrK0p2zeG46tRYA==";
const ecsig_base64 =
  "MEYCIQCRYmZVOyT5I7XLOfp6+Vr/Tex0sC3LvLr5jArTPUv1HgIhAPXaDcGTP7Bx2/4QUQ2yvYNs1Y4LQp4sj8Ekyqzdqa2/";
const oaep_base64 =
  "Vc2KVyV/k6xZyNA9IweyN/oczfxkzRvsgeoftYe4iLAyvzVT4F7x1Wh5J4EUdLWKt7a4rhQ5Ysx+rDq+KlmGQdE1153yL3nXAFm+" +
  "T7YTidsYNtWpXs8DDwhgRxim14Bv5xGLz2dy0Z8V95COOBqSe66Ur6RxVtMFO6i76iFybRddL91kKYICgiQNGMpvXq1CoVBVl+8G" +
  "9xvtQGai4fW1sNUc4i+8xZ0fWXY/OGhwXqz64Ur3eKXJJlVh/ze+wYdIACOKZ9cwcA7+B2XFfjo6CIbE60QHNKCHiuUFxld/+2E2" +
  "ue1ekJ4Dx/kjA/GksCWYfRQqTY0WiNfG6+7rl0VfCg==";

const code_of = (run) => {
  try {
    run();
  } catch (error) {
    return error.code;
  }
  return "nothing thrown";
};

export const hashes = {
  async test() {
    const digest = (name, text) => createHash(name).update(text).digest("hex");
    assert_equals(digest("md5", "abc"), "900150983cd24fb0d6963f7d28e17f72");
    assert_equals(digest("sha1", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_equals(
      digest("SHA-256", "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_equals(digest("RSA-SHA512", "").slice(0, 16), "cf83e1357eefb8bd");
    const hash = createHash("sha256").update("a");
    const copy = hash.copy();
    assert_equals(hash.update("bc").digest("hex"), digest("sha256", "abc"));
    assert_equals(copy.update("bc").digest("base64"),
      Buffer.from(digest("sha256", "abc"), "hex").toString("base64"));
    assert_equals(code_of(() => hash.update("x")), "ERR_CRYPTO_HASH_FINALIZED");
    assert_equals(code_of(() => createHash("nope")), "ERR_OSSL_EVP_UNSUPPORTED");
    assert_equals(code_of(() => hash.copy()), "ERR_CRYPTO_HASH_FINALIZED");
    assert_equals(createHmac("sha256", "k").update("d").digest("hex"),
      "e7ea21c3bcb63a4da3ad78503168d36bdca0be622382ea60a108fad4e4966679");
    assert_equals(crypto.hash("md5", "abc"), "900150983cd24fb0d6963f7d28e17f72");
    const streamed = createHash("md5");
    streamed.end("abc");
    let out = "";
    for await (const chunk of streamed) out += chunk.toString("hex");
    assert_equals(out, "900150983cd24fb0d6963f7d28e17f72");
    assert(crypto.getHashes().includes("sha256"));
  },
};

export const randomness = {
  test() {
    assert_equals(crypto.randomBytes(16).length, 16);
    assert(!crypto.randomBytes(16).equals(crypto.randomBytes(16)));
    assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(
      crypto.randomUUID()));
    for (let i = 0; i < 100; i++) {
      const n = crypto.randomInt(3, 7);
      assert(n >= 3 && n < 7);
    }
    const view = new Uint16Array(4);
    crypto.randomFillSync(view, 1, 2);
    assert(view[0] === 0 && view[3] === 0);
    assert(crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("a")));
    assert(!crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("b")));
    assert_equals(code_of(() => crypto.timingSafeEqual(Buffer.from("a"), Buffer.from("ab"))),
      "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH");
    assert_throws(() => crypto.randomBytes(-1), RangeError);
    assert(crypto.webcrypto === globalThis.crypto);
  },
};

export const key_derivation = {
  async test() {
    assert_equals(crypto.pbkdf2Sync("p", "s", 1000, 20, "sha256").toString("hex"),
      "07f5f5e23e40846c35c4c7bbc8244ee25ed607c7");
    assert_equals(
      crypto.scryptSync("p", "s", 16).toString("hex"), "4329787752e75d1de359a05806e492d4");
    assert_equals(Buffer.from(crypto.hkdfSync("sha256", "k", "s", "i", 16)).toString("hex"),
      "02b0929a9d46e9236e23320ea2a8c3b4");
    await new Promise((resolve) => crypto.pbkdf2("p", "s", 1, 20, "sha1", (error, key) => {
      assert_equals(key.length, 20);
      resolve();
    }));
    // Work that could hold the shard is refused.
    assert_throws(() => crypto.pbkdf2Sync("p", "s", 100001, 20, "sha256"), RangeError);
    assert_throws(() => crypto.pbkdf2Sync("p", "s", 100000, 100000, "sha256"), RangeError);
    assert_throws(
      () => crypto.scryptSync("p", "s", 16, { N : 2 ** 20, r : 8, p : 16, maxmem : 2 ** 40 }),
      RangeError);
    assert_throws(() => crypto.scryptSync("p", "s", 16, { N: 3 }), RangeError);
    assert_throws(() => crypto.hkdfSync("sha256", "k", "s", "i", 255 * 32 + 1), RangeError);
    assert_equals(
      code_of(() => crypto.pbkdf2Sync("p", "s", 1, 1, "nope")), "ERR_CRYPTO_INVALID_DIGEST");
  },
};

export const ciphers = {
  test() {
    const key = Buffer.alloc(32, 1), iv = Buffer.alloc(12, 2);
    const seal = crypto.createCipheriv("aes-256-gcm", key, iv);
    seal.setAAD(Buffer.from("aad"));
    const sealed = seal.update("hello", "utf8", "hex") + seal.final("hex");
    assert_equals(sealed, "6fb3a52525");
    assert_equals(seal.getAuthTag().toString("hex"), "fdf96a2adb727c1f577e1a8c7c6db4d2");
    const open = (tag) => {
      const cipher = crypto.createDecipheriv("aes-256-gcm", key, iv);
      cipher.setAAD(Buffer.from("aad"));
      cipher.setAuthTag(tag);
      return cipher.update(sealed, "hex", "utf8") + cipher.final("utf8");
    };
    assert_equals(open(seal.getAuthTag()), "hello");
    assert_throws(() => open(Buffer.alloc(16)), Error);
    assert_throws(() => open(Buffer.alloc(4)), TypeError);
    const cbc = crypto.createCipheriv("aes-128-cbc", Buffer.alloc(16, 1), Buffer.alloc(16, 2));
    const text = cbc.update("hello world", "utf8", "base64") + cbc.final("base64");
    assert_equals(text, "HJDdQHg4ii8s3uMSBbHyIg==");
    const back = crypto.createDecipheriv("aes-128-cbc", Buffer.alloc(16, 1), Buffer.alloc(16, 2));
    assert_equals(back.update(text, "base64", "utf8") + back.final("utf8"), "hello world");
    const ctr = crypto.createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
    assert_equals(ctr.update("abc").length, 3);  // as it comes, without final()
    assert_equals(code_of(() => crypto.createCipheriv("aes-256-cbc", "short", Buffer.alloc(16))),
      "ERR_CRYPTO_INVALID_KEYLEN");
    assert_equals(code_of(() => crypto.createCipheriv("aes-256-cbc", key, Buffer.alloc(3))),
      "ERR_CRYPTO_INVALID_IV");
    assert_equals(
      code_of(() => crypto.createCipheriv("nope", key, iv)), "ERR_CRYPTO_UNKNOWN_CIPHER");
    assert_equals(crypto.getCipherInfo("aes-256-cbc").blockSize, 16);
  },
};

export const signatures = {
  test() {
    const data = Buffer.from("data");
    const from = (text) => Buffer.from(text, "base64");
    assert(crypto.verify("sha256", data, rsa_public, from(sig_base64)));
    assert(!crypto.verify("sha256", Buffer.from("other"), rsa_public, from(sig_base64)));
    assert_equals(crypto.sign("sha256", data, rsa_private).toString("base64"), sig_base64);
    const pss = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    assert(crypto.verify("sha256", data, { key: rsa_public, ...pss }, from(pss_base64)));
    assert(crypto.verify("sha256", data, ec_public, from(ecsig_base64)));
    const p1363 = crypto.sign("sha256", data, { key: ec_private, dsaEncoding: "ieee-p1363" });
    assert_equals(p1363.length, 64);
    assert(crypto.verify("sha256", data, { key: ec_public, dsaEncoding: "ieee-p1363" }, p1363));
    const signer = crypto.createSign("RSA-SHA256");
    signer.update("da").update("ta");
    const signature = signer.sign(rsa_private, "hex");
    assert(crypto.createVerify("SHA256").update(data).verify(rsa_public, signature, "hex"));
    const pair = crypto.generateKeyPairSync("ed25519");
    assert(crypto.verify(null, data, pair.publicKey, crypto.sign(null, data, pair.privateKey)));
    for (const bad of ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]) {
      assert_throws(() => crypto.sign("sha256", data, bad), Error);
    }
    assert_throws(() => crypto.sign("sha256", data, rsa_public), Error);
    assert(!crypto.verify("sha256", data, ec_public, Buffer.alloc(3)));
  },
};

// Much data goes through in slices; an exponent without an end to its search is refused.
export const large_and_hostile = {
  test() {
    const data = Buffer.alloc(3 * 512 * 1024 + 7, "abc");
    const whole = createHash("sha256").update(data).digest("hex");
    const pieces = createHash("sha256");
    for (let at = 0; at < data.length; at += 100_000) pieces.update(data.subarray(at, at + 100_000));
    assert_equals(pieces.digest("hex"), whole);
    const seal = crypto.createCipheriv("aes-256-cbc", Buffer.alloc(32), Buffer.alloc(16));
    const open = crypto.createDecipheriv("aes-256-cbc", Buffer.alloc(32), Buffer.alloc(16));
    const sealed = Buffer.concat([seal.update(data), seal.final()]);
    assert(Buffer.concat([open.update(sealed), open.final()]).equals(data));
    for (const publicExponent of [4, 6, 1, 0, 2 ** 31]) {
      assert_throws(
        () => crypto.generateKeyPairSync("rsa", { modulusLength: 512, publicExponent }), TypeError);
    }
    assert_equals(crypto.pbkdf2Sync("password", "salt", 4096, 45, "sha1").toString("hex").slice(0, 40),
      "4b007901b765489abead49d926f721d065a429c1");
  },
};

export const keys = {
  test() {
    const key = crypto.createPrivateKey({ key: ec_encrypted, passphrase: "secret" });
    assert_equals(key.asymmetricKeyType, "ec");
    assert_equals(key.asymmetricKeyDetails.namedCurve, "prime256v1");
    assert_equals(key.export({ type: "sec1", format: "pem" }), ec_private);
    assert_equals(crypto.createPublicKey(key).export({ type: "spki", format: "pem" }), ec_public);
    assert_throws(() => crypto.createPrivateKey({ key: ec_encrypted, passphrase: "wrong" }), Error);
    assert_throws(() => crypto.createPrivateKey(ec_encrypted), Error);
    const der = crypto.createPublicKey(rsa_public).export({ type: "pkcs1", format: "der" });
    assert(crypto.createPublicKey({ key : der, format : "der", type : "pkcs1" })
        .equals(crypto.createPublicKey(rsa_public)));
    assert_equals(
      crypto.privateDecrypt(rsa_private, Buffer.from(oaep_base64, "base64")).toString(), "secret");
    const sealed = crypto.publicEncrypt(
      { key : rsa_public, padding : crypto.constants.RSA_PKCS1_PADDING }, Buffer.from("x"));
    assert_equals(
      crypto
        .privateDecrypt({ key : rsa_private, padding : crypto.constants.RSA_PKCS1_PADDING }, sealed)
        .toString(),
      "x");
    const [a, b] = [crypto.generateKeyPairSync("x25519"), crypto.generateKeyPairSync("x25519")];
    assert(crypto.diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey }).equals(
      crypto.diffieHellman({ privateKey: b.privateKey, publicKey: a.publicKey })));
    const secret = crypto.createSecretKey(Buffer.from("k"));
    assert_equals(createHmac("sha256", secret).update("d").digest("hex"),
      createHmac("sha256", "k").update("d").digest("hex"));
    assert_throws(() => crypto.generateKeyPairSync("rsa", { modulusLength: 65536 }), TypeError);
  },
};
