import { assert, assert_equals, assert_throws } from "../testing/assert.js";

const bytes = (text) => new TextEncoder().encode(text);
const stream_of = (...chunks) => new ReadableStream({
  start(controller) {
    for (const chunk of chunks) controller.enqueue(bytes(chunk));
    controller.close();
  },
});

function collect(source, ...types) {
  const seen = [];
  for (const type of types) {
    source.addEventListener(type, (event) => seen.push([type, event.data, event.lastEventId]));
  }
  return new Promise((resolve) => {
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) resolve(seen);
    };
  });
}

export const streams_are_parsed = {
  async test() {
    const source = EventSource.from(stream_of("\ufeffdata: one\n\n", "data:two\r", "\ndata: more\r\n\r\n: comment\n",
      "event: named\nid: 7\ndata\n\nid: 8\0\ndata: x\n\nevent: nothing\n\ndata: unfinished"));
    assert_equals([source.readyState, source.url, source.withCredentials], [1, "", false]);
    assert_equals(await collect(source, "message", "named", "nothing"), [
      ["message", "one", ""], ["message", "two\nmore", ""], ["named", "", "7"], ["message", "x", "7"]]);
  },
};

export const connects_again = {
  async test() {
    const requests = [];
    const answers = [
      () => new Response(stream_of("retry: 1\nid: \u00e4\ndata: a\n\n"),
        { headers: { "content-type": "text/event-stream; charset=utf-8" } }),
      () => Promise.reject(new TypeError("no network")),
      () => new Response(stream_of("data: b\n\n"), { headers: { "content-type": "Text/Event-Stream" } }),
      () => new Response(null, { status: 204 }),
    ];
    const fetcher = {
      fetch(url, init) {
        requests.push([url, init.headers.get("accept"), init.headers.get("last-event-id")]);
        return answers[requests.length - 1]();
      },
    };
    const source = new EventSource("http://a.test/x", { fetcher });
    assert_equals(source.readyState, EventSource.CONNECTING);
    let opened = 0;
    source.onopen = () => opened++;
    const seen = await collect(source, "message");
    assert_equals(seen, [["message", "a", "\u00e4"], ["message", "b", "\u00e4"]]);
    assert_equals([opened, requests.length], [2, 4]);
    assert_equals(requests[0], ["http://a.test/x", "text/event-stream", null]);
    assert(requests[1][2] !== null);
  },
};

export const refusals = {
  async test() {
    assert_throws(() => new EventSource("::"), "SyntaxError");
    assert_throws(() => new EventSource("http://a/", { withCredentials: true }), "NotSupportedError");
    assert_throws(() => new EventSource(), TypeError);
    assert_throws(() => EventSource.from({}), TypeError);
    for (const answer of [new Response("x"), new Response("x", { status: 500 }), "no response"]) {
      const source = new EventSource("http://a.test/", { fetcher: { fetch: async () => answer } });
      assert_equals(await collect(source, "message"), []);
    }
    const closed = EventSource.from(stream_of("data: a\n\n"));
    closed.close();
    closed.onmessage = () => assert(false);
    assert_equals(closed.readyState, 2);
  },
};
