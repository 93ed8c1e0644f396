import { assert, assert_equals, assert_throws } from "../testing/assert.js";

export const random_values = {
  test() {
    const bytes = new Uint8Array(65536);
    assert(crypto.getRandomValues(bytes) === bytes);
    assert(new Set(bytes).size === 256);
    const part = new Uint32Array(4).subarray(1, 2);
    crypto.getRandomValues(part);
    assert_equals([...new Uint32Array(part.buffer)].filter((x) => x === 0).length, 3);
    crypto.getRandomValues(new BigInt64Array(1));
    assert_throws(() => crypto.getRandomValues(new Uint8Array(65537)), "QuotaExceededError");
    assert_throws(() => crypto.getRandomValues(new Float32Array(1)), "TypeMismatchError");
    assert_throws(() => crypto.getRandomValues([]), "TypeMismatchError");
  },
};

export const uuids = {
  test() {
    const uuid = crypto.randomUUID();
    assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid),
      uuid);
    assert(uuid !== crypto.randomUUID());
    assert_throws(() => new Crypto(), TypeError);
    assert_equals(String(crypto), "[object Crypto]");
  },
};
