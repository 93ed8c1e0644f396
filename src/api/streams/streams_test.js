import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

async function gather(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const of = (...chunks) => new ReadableStream({
  start(controller) {
    for (const chunk of chunks) controller.enqueue(chunk);
    controller.close();
  },
});

export const reads_in_order = {
  async test() {
    const reader = of("a", "b").getReader();
    assert_equals(await reader.read(), { value: "a", done: false });
    assert_equals(await reader.read(), { value: "b", done: false });
    assert_equals(await reader.read(), { value: undefined, done: true });
    await reader.closed;
  },
};

export const pulls_when_wanted = {
  async test() {
    let pulled = 0;
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(++pulled);
      },
    }, { highWaterMark: 2 });
    await null;
    await null;
    assert_equals(pulled, 2);
    const reader = stream.getReader();
    assert_equals((await reader.read()).value, 1);
    await null;
    assert_equals(pulled, 3);
    await reader.cancel();
    assert_equals((await reader.read()).done, true);
  },
};

export const errors_and_cancels = {
  async test() {
    let reason;
    const stream = new ReadableStream({ cancel(r) { reason = r; } });
    await stream.cancel("why");
    assert_equals(reason, "why");
    const broken = new ReadableStream(
      { start(controller) { controller.error(new RangeError("x")); } });
    await assert_rejects(broken.getReader().read(), RangeError, "x");
    const failing = new ReadableStream({ pull() { throw new EvalError("y"); } });
    await assert_rejects(failing.getReader().read(), EvalError, "y");
    const locked = of("a");
    locked.getReader();
    assert_equals(locked.locked, true);
    assert_throws(() => locked.getReader(), TypeError);
    await assert_rejects(locked.cancel(), TypeError);
  },
};

export const tees = {
  async test() {
    const [a, b] = of("x", "y").tee();
    assert_equals(await gather(a), ["x", "y"]);
    assert_equals(await gather(b), ["x", "y"]);
  },
};

export const from_iterables = {
  async test() {
    async function* numbers() {
      yield 1;
      yield 2;
    }
    assert_equals(await gather(ReadableStream.from(numbers())), [1, 2]);
    assert_equals(await gather(ReadableStream.from(["a"])), ["a"]);
    assert_throws(() => ReadableStream.from(5), TypeError);
  },
};

export const iteration_ends_by_cancel = {
  async test() {
    let cancelled = false;
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(1);
      },
      cancel() {
        cancelled = true;
      },
    });
    for await (const chunk of stream) {
      assert_equals(chunk, 1);
      break;
    }
    assert(cancelled);
    assert_equals(stream.locked, false);
  },
};

export const byte_streams = {
  async test() {
    const stream = new ReadableStream({
      type: "bytes",
      pull(controller) {
        const view = controller.byobRequest?.view;
        if (view) {
          new Uint8Array(view.buffer, view.byteOffset, view.byteLength).fill(7);
          controller.byobRequest.respond(2);
        } else {
          controller.enqueue(new Uint8Array([1, 2, 3]));
        }
      },
    });
    const reader = stream.getReader({ mode: "byob" });
    const { value, done } = await reader.read(new Uint8Array(4));
    assert_equals([value, done], [new Uint8Array([7, 7]), false]);
    reader.releaseLock();
    const plain = stream.getReader();
    assert_equals((await plain.read()).value, new Uint8Array([1, 2, 3]));
    assert_throws(() => of("a").getReader({ mode: "byob" }), TypeError);
  },
};

export const writes = {
  async test() {
    const log = [];
    const stream = new WritableStream({
      start() { log.push("start"); },
      async write(chunk) {
        await scheduler.wait(1);
        log.push(chunk);
      },
      close() { log.push("close"); },
    });
    const writer = stream.getWriter();
    assert_equals(writer.desiredSize, 1);
    writer.write("a");
    assert_equals(writer.desiredSize, 0);
    writer.write("b");
    await writer.close();
    assert_equals(log, ["start", "a", "b", "close"]);
    await assert_rejects(writer.write("c"), TypeError);
    const failing = new WritableStream({ write() { throw new RangeError("full"); } }).getWriter();
    await assert_rejects(failing.write(1), RangeError, "full");
    await assert_rejects(failing.closed, RangeError, "full");
  },
};

export const pipes = {
  async test() {
    const out = [];
    const double = new TransformStream({
      transform(chunk, controller) {
        controller.enqueue(chunk * 2);
      },
      flush(controller) {
        controller.enqueue("end");
      },
    });
    await of(1, 2).pipeThrough(double).pipeTo(new WritableStream({ write(c) { out.push(c); } }));
    assert_equals(out, [2, 4, "end"]);
    const controller = new AbortController();
    const piping = new ReadableStream({}).pipeTo(new WritableStream(),
      { signal: controller.signal });
    controller.abort();
    await assert_rejects(piping, "AbortError");
  },
};

export const identity_streams = {
  async test() {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    writer.write(new Uint8Array([1]));
    writer.close();
    assert_equals(await gather(readable), [new Uint8Array([1])]);
    const short = new FixedLengthStream(2);
    const bytes = short.writable.getWriter();
    await assert_rejects(bytes.write(new Uint8Array(3)), TypeError,
      "Attempt to write too many bytes through a FixedLengthStream.");
  },
};

export const strategies = {
  test() {
    assert_equals(new CountQueuingStrategy({ highWaterMark: 3 }).size(), 1);
    assert_equals(new ByteLengthQueuingStrategy({ highWaterMark: 3 }).size({ byteLength: 9 }), 9);
    assert_throws(() => new ReadableStream({}, { highWaterMark: -1 }), RangeError);
  },
};
