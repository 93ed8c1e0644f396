import exceptions from "./exceptions.wasm";
import gc from "./gc.wasm";
import simd from "./simd.wasm";
import suspend from "./suspend.wasm";

function assert_equals(actual, expected) {
  if (!Object.is(actual, expected)) throw new Error(`expected ${expected}, got ${actual}`);
}

async function refused(attempt) {
  try {
    await attempt();
  } catch (error) {
    assert_equals(error instanceof WebAssembly.CompileError, true);
    assert_equals(error.message.endsWith("Wasm code generation disallowed by embedder"), true);
    return;
  }
  throw new Error("bytes were compiled");
}

const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

export const modules = {
  async test() {
    assert_equals(simd instanceof WebAssembly.Module, true);
    const instance = await WebAssembly.instantiate(simd, {});
    assert_equals(instance instanceof WebAssembly.Instance, true);
    assert_equals(new WebAssembly.Instance(simd).exports.twice(21), 42);
    assert_equals(WebAssembly.Module.exports(simd)[0].name, "twice");
  },
};

export const bytes_are_refused = {
  async test() {
    await refused(() => WebAssembly.compile(empty));
    await refused(() => WebAssembly.instantiate(empty));
    await refused(() => new WebAssembly.Module(empty));
    assert_equals(WebAssembly.validate(empty), true);
    assert_equals(WebAssembly.compileStreaming, undefined);
    assert_equals(WebAssembly.instantiateStreaming, undefined);
  },
};

export const no_threads = {
  test() {
    assert_equals(typeof SharedArrayBuffer, "undefined");
    let error;
    try {
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    } catch (e) {
      error = e;
    }
    assert_equals(error instanceof RangeError, true);
  },
};

export const structs_of_the_collector = {
  test() {
    assert_equals(new WebAssembly.Instance(gc).exports.through(-7), -7);
  },
};

export const exception_handling = {
  test() {
    const { caught, raise, tag } = new WebAssembly.Instance(exceptions).exports;
    assert_equals(caught(5), 5);
    let error;
    try {
      raise(6);
    } catch (e) {
      error = e;
    }
    assert_equals(error instanceof WebAssembly.Exception, true);
    assert_equals(error.is(tag), true);
    assert_equals(error.getArg(tag, 0), 6);
    assert_equals(tag instanceof WebAssembly.Tag, true);
  },
};

export const promises_integrated = {
  async test() {
    const wait = new WebAssembly.Suspending(async (ms) => {
      await scheduler.wait(ms);
      return ms * 2;
    });
    const run = WebAssembly.promising(new WebAssembly.Instance(suspend, { env: { wait } }).exports.run);
    const all = await Promise.all([run(3), run(1), run(2)]);
    assert_equals(`${all}`, "7,3,5");
    const failing = new WebAssembly.Suspending(async () => {
      throw new RangeError("later");
    });
    const fail = WebAssembly.promising(new WebAssembly.Instance(suspend, { env: { wait: failing } }).exports.run);
    let error;
    await fail(1).catch((e) => {
      error = e;
    });
    assert_equals(error instanceof RangeError, true);
  },
};

export default {
  fetch() {
    return new Response(`${new WebAssembly.Instance(simd).exports.twice(4)}`);
  },
};
