import { assert, assert_equals, assert_throws } from "../testing/assert.js";

function next(socket, type) {
  return new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));
}

function pair() {
  const { 0: a, 1: b } = new WebSocketPair();
  return [a, b];
}

export const a_pair_talks_within_the_worker = {
  async test() {
    const [a, b] = pair();
    assert_equals(a.readyState, WebSocket.OPEN);
    a.accept();
    a.send("early");
    b.accept();
    assert_equals((await next(b, "message")).data, "early");
    const bytes = new Uint8Array([1, 2, 3]);
    b.binaryType = a.binaryType = "arraybuffer";
    b.send(bytes);
    bytes[0] = 9;  // a copy was sent
    const { data } = await next(a, "message");
    assert(data instanceof ArrayBuffer);
    assert_equals(new Uint8Array(data), new Uint8Array([1, 2, 3]));
    a.send("\ud800");
    assert_equals((await next(b, "message")).data, "\ufffd");
  },
};

export const a_close_is_answered_by_itself = {
  async test() {
    const [a, b] = pair();
    a.accept({ allowHalfOpen: false });
    b.accept({ allowHalfOpen: false });
    const answered = next(b, "close");
    b.close(4001, "enough");
    assert_equals(b.readyState, WebSocket.CLOSING);
    const heard = await next(a, "close");
    assert_equals([heard.code, heard.reason, heard.wasClean], [4001, "enough", true]);
    assert_equals(a.readyState, WebSocket.CLOSED);
    assert_equals((await answered).code, 4001);
    assert_equals(b.readyState, WebSocket.CLOSED);
    a.close();  // nothing happens
  },
};

export const half_open_sockets_send_on = {
  async test() {
    const [a, b] = pair();
    a.accept({ allowHalfOpen: true });
    b.accept({ allowHalfOpen: true });
    b.close();
    assert_equals((await next(a, "close")).code, 1005);
    assert_equals(a.readyState, WebSocket.CLOSING);
    a.send("last words");
    assert_equals((await next(b, "message")).data, "last words");
    assert_throws(() => b.send("x"), TypeError, "Can't call WebSocket send() after close().");
  },
};

export const rules_of_use = {
  test() {
    const [a] = pair();
    assert_throws(() => a.send("x"), TypeError,
      "You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending " +
      "messages.");
    a.accept();
    a.accept();
    for (const code of [999, 1004, 1005, 1006, 1015, 5000]) {
      let name = "";
      try {
        a.close(code);
      } catch (error) {
        name = error.name + error.message;
      }
      assert_equals(name, `InvalidAccessErrorInvalid WebSocket close code: ${code}.`);
    }
    assert_throws(() => a.close(undefined, "why"), TypeError,
      "If you specify a WebSocket close reason, you must also specify a code.");
    let name = "";
    try {
      a.close(1000, "x".repeat(124));
    } catch (error) {
      name = error.name;
    }
    assert_equals(name, "SyntaxError");
    assert_throws(() => new Response(null, { status: 200, webSocket: pair()[0] }), RangeError,
      "Responses with a WebSocket must have status code 101.");
    assert_throws(() => new Response(null, { status: 101 }), RangeError,
      "Responses may only be constructed with status codes in the range 200 to 599, inclusive.");
    assert_throws(() => new Response(null, { status: 101, webSocket: {} }), TypeError);
    const client = pair()[0];
    assert_equals(new Response(null, { status: 101, webSocket: client }).webSocket, client);
    assert_equals(new Response("x").webSocket, null);
    assert_throws(() => a.serializeAttachment({}), Error);
  },
};

export const urls_of_the_constructor = {
  test() {
    for (const [url, message] of [
      ["not a url", "WebSocket Constructor: The url is invalid."],
      ["ftp://a/", "WebSocket Constructor: The url scheme must be ws or wss."],
      ["ws://a/#x", "WebSocket Constructor: The url fragment must be empty."],
    ]) {
      let said = "";
      try {
        new WebSocket(url);
      } catch (error) {
        said = `${error.name} ${error.message}`;
      }
      assert_equals(said, `SyntaxError ${message}`);
    }
    let name = "";
    try {
      new WebSocket("ws://a/", ["x", "x"]);
    } catch (error) {
      name = error.name;
    }
    assert_equals(name, "SyntaxError");
  },
};

export const a_failed_connection_is_an_error_and_a_close = {
  async test() {
    const socket = new WebSocket("ws://127.0.0.1:1/");
    assert_equals(socket.readyState, WebSocket.CONNECTING);
    assert_throws(() => socket.accept(), TypeError,
      "Websockets obtained from the 'new WebSocket()' constructor cannot call accept");
    let name = "";
    try {
      socket.send("x");
    } catch (error) {
      name = error.name;
    }
    assert_equals(name, "InvalidStateError");
    const failed = next(socket, "error");
    const closed = next(socket, "close");
    assert((await failed) instanceof ErrorEvent);
    const { code, wasClean } = await closed;
    assert_equals([code, wasClean], [1006, false]);
    assert_equals(socket.readyState, WebSocket.CLOSED);
  },
};

export const user_code_does_not_reach_in = {
  async test() {
    const saved = Array.prototype.push;
    Array.prototype.push = () => { throw new Error("seen"); };
    try {
      const [a, b] = pair();
      a.accept();
      b.accept();
      const heard = new Promise((resolve) => { b.onmessage = resolve; });
      a.send("through");
      assert_equals((await heard).data, "through");
    } finally {
      Array.prototype.push = saved;
    }
  },
};

export const events_have_the_members_of_the_standard = {
  test() {
    const close = new CloseEvent("close", { code: 1001, reason: "r", wasClean: true });
    assert_equals([close.code, close.reason, close.wasClean, close.type],
      [1001, "r", true, "close"]);
    const message = new MessageEvent("message", { data: { a: 1 } });
    assert_equals(message.data.a, 1);
    assert_equals(message.ports, []);
    assert_equals([WebSocket.CLOSED, WebSocket.READY_STATE_OPEN, WebSocket.prototype.CLOSING],
      [3, 1, 2]);
  },
};
