import { assert, assert_equals, assert_rejects, assert_throws } from "../testing/assert.js";

const next = (port, type = "message") => new Promise((resolve) => port.addEventListener(type, resolve, { once: true }));

export const messages = {
  async test() {
    const { port1, port2 } = new MessageChannel();
    assert(port1 instanceof MessagePort && port1 instanceof EventTarget);
    assert_throws(() => new MessagePort(), TypeError, "Illegal constructor");
    const seen = [];
    port1.postMessage({ a: [1, new Date(5)] });
    port1.postMessage("two");
    await new Promise((resolve) => {
      port2.onmessage = (event) => {
        seen.push(event.data);
        assert(event instanceof MessageEvent && event.target === port2);
        if (seen.length === 2) resolve();
      };
      assert_equals(seen.length, 0);
    });
    assert_equals(seen, [{ a: [1, new Date(5)] }, "two"]);
    const answer = next(port1);
    port1.start();
    port2.postMessage("back");
    assert_equals((await answer).data, "back");
    port1.close();
    port2.postMessage("nobody hears");
    assert_throws(() => port2.postMessage(() => {}), "DataCloneError");
    assert_throws(() => port2.postMessage(), TypeError);
  },
};

export const ports_move = {
  async test() {
    const outer = new MessageChannel();
    const inner = new MessageChannel();
    inner.port2.postMessage("early");
    outer.port1.postMessage({ port: inner.port1 }, [inner.port1]);
    const got = next(outer.port2);
    outer.port2.start();
    const event = await got;
    assert_equals(event.ports.length, 1);
    assert(event.data.port === event.ports[0] && event.data.port !== inner.port1);
    const hear = next(event.data.port);
    event.data.port.start();
    assert_equals((await hear).data, "early");
    inner.port1.postMessage("nothing");
    assert_throws(() => outer.port1.postMessage(1, [inner.port1]), "DataCloneError");
    assert_throws(() => outer.port1.postMessage(1, [outer.port1]), "DataCloneError");
    assert_throws(() => outer.port1.postMessage({ port: inner.port2 }), "DataCloneError");
    assert_throws(() => outer.port1.postMessage(1, { transfer: [{}] }), "DataCloneError");
  },
};

export const structured_clones_move = {
  async test() {
    const stream = new Blob(["chunk"]).stream();
    const buffer = new ArrayBuffer(4);
    const copy = structuredClone({ stream, buffer }, { transfer: [stream, buffer] });
    assert_equals(buffer.byteLength, 0);
    assert_throws(() => structuredClone(1, { transfer: [stream] }), "DataCloneError");
    assert(stream.locked && copy.stream !== stream && copy.buffer.byteLength === 4);
    assert_equals(new TextDecoder().decode((await copy.stream.getReader().read()).value), "chunk");
    const written = [];
    const sink = new WritableStream({ write(chunk) { written.push(chunk); } });
    const writer = structuredClone(sink, { transfer: [sink] }).getWriter();
    await writer.write({ a: 1 });
    await writer.close();
    assert_equals(written, [{ a: 1 }]);
    const { port1 } = new MessageChannel();
    assert(structuredClone([port1], { transfer: [port1] })[0] instanceof MessagePort);
  },
};

const message = new MessageEvent("message", { data: 1, origin: "o", lastEventId: "7", source: null,
  ports: [] });
export const message_events = {
  test() {
    assert_equals([message.data, message.origin, message.lastEventId, message.source, message.ports],
      [1, "o", "7", null, []]);
    assert_equals(new MessageEvent("m").origin, "");
    assert(Object.isFrozen(message.ports) && message.ports === message.ports);
  },
};
