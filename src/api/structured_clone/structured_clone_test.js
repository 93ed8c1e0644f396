import { assert, assert_equals, assert_throws } from "../testing/assert.js";

export const values = {
  test() {
    const value = { a: [1, , "x"], map: new Map([[{}, 1n]]), date: new Date(5), set: new Set(["s"]),
      bytes: new Uint8Array([1, 2]), nothing: undefined, re: /a/g };
    value.self = value;
    const copy = structuredClone(value);
    assert(copy !== value && copy.self === copy);
    assert_equals(copy.bytes, value.bytes);
    assert_equals(copy.date.getTime(), 5);
    assert_equals(1 in copy.a, false);
    const error = structuredClone(new RangeError("m", { cause: 1 }));
    assert(error instanceof RangeError);
    assert_equals([error.message, error.cause], ["m", 1]);
  },
};

export const transfers = {
  test() {
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const copy = structuredClone({ buffer }, { transfer: [buffer] });
    assert_equals(buffer.byteLength, 0);
    assert_equals(new Uint8Array(copy.buffer), new Uint8Array([1, 2, 3]));
    assert_throws(() => structuredClone(1, { transfer: [buffer] }), "DataCloneError");
    assert_throws(() => structuredClone(1, { transfer: [{}] }), "DataCloneError");
    const twice = new ArrayBuffer(1);
    assert_throws(() => structuredClone(1, { transfer: [twice, twice] }), "DataCloneError");
  },
};

export const refusals = {
  test() {
    assert_throws(() => structuredClone(() => {}), "DataCloneError");
    assert_throws(() => structuredClone({ a: Symbol("s") }), "DataCloneError");
    assert_throws(() => structuredClone(new Headers()), "DataCloneError");
    assert_throws(() => structuredClone({ get a() { throw new EvalError("mine"); } }), EvalError);
    assert_throws(() => structuredClone(), TypeError);
  },
};
