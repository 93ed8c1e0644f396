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
    class Mine extends EventTarget {}
    for (const value of [new Headers(), new URL("a:b"), new Request("http://a/"), new Mine(),
      new AbortController().signal, new ReadableStream(), new FormData(), crypto]) {
      assert_throws(() => structuredClone(value), "DataCloneError");
      assert_throws(() => structuredClone({ list: [{ value }] }), "DataCloneError");
      assert_throws(() => structuredClone(new Map([[1, value]])), "DataCloneError");
    }
    assert_throws(() => structuredClone({ get a() { throw new EvalError("mine"); } }), EvalError);
    assert_throws(() => structuredClone(), TypeError);
  },
};

export const platform_objects = {
  async test() {
    const blob = new Blob(["text"], { type: "text/x" });
    const file = new File(["f"], "name", { lastModified: 7 });
    const copy = structuredClone({ blob, again: blob, files: [file],
      error: new DOMException("m", "DataError") });
    assert(copy.blob !== blob && copy.blob === copy.again && copy.blob instanceof Blob);
    assert(!(copy.blob instanceof File) && copy.files[0] instanceof File);
    assert_equals([await copy.blob.text(), copy.blob.type], ["text", "text/x"]);
    assert_equals([copy.files[0].name, copy.files[0].lastModified], ["name", 7]);
    assert(copy.error instanceof DOMException);
    assert_equals([copy.error.name, copy.error.message], ["DataError", "m"]);
    class Plain { x = 1; }
    assert_equals(Object.getPrototypeOf(structuredClone(new Plain())), Object.prototype);
    const behind = Object.create(new Proxy(Headers.prototype, {
      getPrototypeOf() { throw new EvalError("a trap ran"); } }), { a: { value: 1, enumerable: true } });
    assert_equals(structuredClone(behind), { a: 1 });
  },
};
