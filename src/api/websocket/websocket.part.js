// WebSocket and WebSocketPair as Workers have them. A WebSocket is one end of a pair whose other
// end is in this worker too, until that is returned in a Response: then the network is behind it;
// or it is an origin's, from fetch() or `new WebSocket()`. It belongs to the event that made it.
import { ops } from "../base/ops.js";
import { kInternal } from "../base/internal.js";
import { expose_constant, finish_class } from "../base/expose.js";
import { has_flag } from "../base/flags.js";
import {
  ArrayBufferIsView,
  ArrayIsArray,
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  Error,
  PromisePrototypeThen,
  PromiseResolve,
  RegExpPrototypeExec,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypeError,
  TypedArrayPrototypeGetBuffer,
  Uint8Array,
} from "../base/primordials.js";
import {
  require_args,
  require_new_args,
  to_dictionary,
  to_dom_string,
  to_unsigned,
  to_usv_string,
} from "../base/webidl.js";
import { blob_bytes, is_blob, make_blob } from "../blob/blob.js";
import { DOMException } from "../dom/dom_exception.js";
import { ErrorEvent, Event, EventTarget, dispatch_event, event_handler }
  from "../dom/event_target.js";
import { bytes_copy, is_array_buffer } from "../fetch/body.js";
import { connect_web_socket } from "../fetch/fetch.js";
import { parse_url } from "../url/url.js";
import { CloseEvent, MessageEvent } from "./events.part.js";

const { event_current, event_require, event_require_own, utf8_encode,
  web_socket_accept, web_socket_close, web_socket_respond, web_socket_send, web_socket_take } = ops;

// As WebSocketResource::What.
const kText = 0;
const kBinary = 1;
const kClose = 2;
const kLost = 3;

const kNoCode = 1005;
const kDisconnected = "WebSocket disconnected without sending Close frame.";
const kReleased = "WebSocket that was already used in a response.";
const kNotAccepted = "You must call one of accept() or state.acceptWebSocket() on this WebSocket " +
  "before sending messages.";

let make_pair;
let respond_with_socket;
let is_web_socket;
let socket_of_origin;
let web_socket_event;

const token_pattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function protocol_list(value) {
  if (value === undefined) return "";
  const list = ArrayIsArray(value) ? value : [value];
  const seen = [];
  for (let i = 0; i < list.length; i++) {
    const protocol = to_dom_string(list[i]);
    let twice = false;
    for (let k = 0; k < seen.length; k++) twice ||= seen[k] === protocol;
    if (twice || RegExpPrototypeExec(token_pattern, protocol) === null) {
      throw new DOMException("The protocol header token is invalid.", "SyntaxError");
    }
    ArrayPrototypePush(seen, protocol);
  }
  return ArrayPrototypeJoin(seen, ", ");
}

function check_code(code, reason) {
  if (code === undefined) {
    if (reason !== undefined) {
      throw new TypeError(
        "If you specify a WebSocket close reason, you must also specify a code.");
    }
    return kNoCode;
  }
  const number = to_unsigned(code, 16);
  if (number < 1000 || number >= 5000 || number === 1004 || number === 1005 || number === 1006 ||
      number === 1015) {
    throw new DOMException(`Invalid WebSocket close code: ${number}.`, "InvalidAccessError");
  }
  return number;
}

export class WebSocket extends EventTarget {
  #event = 0;         // whose it is
  #socket = 0;        // with a network behind it: its id
  #peer = null;       // the other end, in this worker
  #incoming = [];     // what the other end sent before accept()
  #telling = false;   // a microtask will tell it
  #accepted = false;
  #given = false;     // returned in a response
  #constructed = false;
  #connecting = false;
  #half_open = false;
  #closed_in = false;
  #closed_out = false;
  #relay = null;      // what comes goes on to this one: a worker that only passes a socket on
  #url = null;
  #protocol = "";
  #extensions = "";
  #binary_type = undefined;

  constructor(url, protocols = undefined) {
    super();
    if (url === kInternal) {
      this.#event = event_current();
      return;
    }
    require_new_args(arguments.length, 1, "WebSocket");
    event_require();
    this.#event = event_current();
    const href = parse_url(to_usv_string(url));
    if (href === undefined) {
      throw new DOMException("WebSocket Constructor: The url is invalid.", "SyntaxError");
    }
    const wire = StringPrototypeStartsWith(href, "http") ? "ws" + StringPrototypeSlice(href, 4) :
      href;
    if (!StringPrototypeStartsWith(wire, "ws:") && !StringPrototypeStartsWith(wire, "wss:")) {
      throw new DOMException("WebSocket Constructor: The url scheme must be ws or wss.",
        "SyntaxError");
    }
    if (StringPrototypeIndexOf(wire, "#") >= 0) {
      throw new DOMException("WebSocket Constructor: The url fragment must be empty.",
        "SyntaxError");
    }
    const list = protocol_list(protocols);
    this.#url = wire;
    this.#constructed = this.#connecting = this.#accepted = true;
    this.#half_open = !has_flag("web_socket_auto_reply_to_close");
    const sent = "http" + StringPrototypeSlice(wire, 2);
    PromisePrototypeThen(connect_web_socket(sent, list), (subrequest) => this.#connected(subrequest, list),
      (error) => this.#failed(error));
  }

  #connected(subrequest, list) {
    if (!this.#connecting) return;
    if (subrequest === 0) {
      this.#failed(new Error("The server did not accept the WebSocket handshake."));
      return;
    }
    try {
      this.#take(subrequest);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#connecting = false;
    web_socket_accept(this.#socket, this.#half_open);
    dispatch_event(this, new Event("open"));
  }

  #failed(error) {
    if (!this.#connecting) return;
    this.#connecting = false;
    this.#lose("Failed to establish the WebSocket connection: " + error.message, error);
  }

  #take(subrequest) {
    const info = web_socket_take(subrequest, this);
    this.#socket = info[0];
    this.#protocol = info[1];
    this.#extensions = info[2];
  }

  static {
    is_web_socket = (value) =>
      typeof value === "object" && value !== null && #socket in value;
    make_pair = () => {
      const a = new WebSocket(kInternal);
      const b = new WebSocket(kInternal);
      a.#peer = b;
      b.#peer = a;
      return [a, b];
    };
    respond_with_socket = (id, socket, list) => socket.#respond(id, list);
    socket_of_origin = (subrequest) => {
      const socket = new WebSocket(kInternal);
      socket.#take(subrequest);
      return socket;
    };
    web_socket_event = (socket, kind, value, code) => socket.#tell(kind, value, code);
  }

  // --- what comes ---

  // From the other end, in this worker.
  #deliver(kind, value, code) {
    ArrayPrototypePush(this.#incoming, { __proto__: null, kind, value, code });
    this.#tell_later();
  }

  #tell_later() {
    if (!this.#accepted || this.#telling || this.#incoming.length === 0) return;
    this.#telling = true;
    PromisePrototypeThen(PromiseResolve(undefined), () => {
      this.#telling = false;
      const now = this.#incoming;
      this.#incoming = [];
      for (let i = 0; i < now.length; i++) this.#tell(now[i].kind, now[i].value, now[i].code);
    });
  }

  #tell(kind, value, code) {
    if (this.#relay !== null) {
      this.#pass_on(kind, value, code);
    } else if (kind === kText) {
      dispatch_event(this, new MessageEvent("message", { __proto__: null, data: value }));
    } else if (kind === kBinary) {
      const data = this.binaryType === "blob" ? make_blob(new Uint8Array(value), "") : value;
      dispatch_event(this, new MessageEvent("message", { __proto__: null, data }));
    } else if (kind === kClose) {
      this.#closed_in = true;
      // A network's end has been answered by the native half.
      if (!this.#half_open && !this.#closed_out) {
        this.#closed_out = true;
        if (this.#socket === 0) this.#send_close(code, value);
      }
      dispatch_event(this, new CloseEvent("close",
        { __proto__: null, code, reason: value, wasClean: true }));
    } else {
      this.#lose(value, code === 1006 ? undefined : new Error(value));
    }
  }

  #lose(message, error) {
    this.#closed_in = this.#closed_out = true;
    if (error !== undefined) {
      dispatch_event(this, new ErrorEvent("error", { __proto__: null, message, error }));
    }
    dispatch_event(this, new CloseEvent("close",
      { __proto__: null, code: 1006, reason: error === undefined ? message : "", wasClean: false }));
  }

  #pass_on(kind, value, code) {
    const to = this.#relay;
    if (kind === kText || kind === kBinary) {
      web_socket_send(to.#socket, value);
    } else if (kind === kClose) {
      web_socket_close(to.#socket, code, value);
    } else {
      web_socket_close(to.#socket, 1011, "The other side of the connection was lost.");
    }
  }

  // --- what goes ---

  #send_data(kind, value) {
    if (this.#socket !== 0) web_socket_send(this.#socket, value);
    else if (this.#peer !== null) this.#peer.#deliver(kind, value, 0);
  }

  #send_close(code, reason) {
    if (this.#socket !== 0) web_socket_close(this.#socket, code, reason);
    else if (this.#peer !== null) this.#peer.#deliver(kClose, reason, code);
  }

  // Becomes the client's end of the connection of event `id`; the other end talks to it.
  #respond(id, list) {
    if (this.#constructed) {
      throw new TypeError(
        "Can't return a WebSocket that was created with `new WebSocket()` in a Response.");
    }
    if (this.#given) throw new TypeError("Can't return " + kReleased);
    if (this.#accepted) {
      throw new TypeError("Can't return WebSocket in a Response after calling accept().");
    }
    event_require_own(this.#event);
    const passes = this.#socket !== 0;
    const server = passes ? new WebSocket(kInternal) : this.#peer;
    const answer = web_socket_respond(id, list, server);
    this.#given = true;
    this.#peer = server.#peer = null;
    if (answer === undefined) {
      server.#deliver(kLost, kDisconnected, 1006);
      return;
    }
    server.#socket = answer[0];
    server.#extensions = answer[1];
    if (passes) {
      server.#accepted = this.#accepted = true;
      server.#half_open = true;
      server.#relay = this;
      this.#relay = server;
      web_socket_accept(this.#socket, true);
    }
    if (server.#accepted) web_socket_accept(server.#socket, server.#half_open);
    const early = this.#incoming;
    for (let i = 0; i < early.length; i++) {
      if (early[i].kind === kClose) server.#send_close(early[i].code, early[i].value);
      else server.#send_data(early[i].kind, early[i].value);
    }
    this.#incoming = [];
  }

  accept(options = undefined) {
    event_require_own(this.#event);
    if (this.#constructed) {
      throw new TypeError(
        "Websockets obtained from the 'new WebSocket()' constructor cannot call accept");
    }
    if (this.#given) throw new TypeError("Can't accept() " + kReleased);
    if (this.#accepted) return;
    const { allowHalfOpen } = to_dictionary(options, "The options of accept()");
    this.#half_open = allowHalfOpen === undefined ?
      !has_flag("web_socket_auto_reply_to_close") : !!allowHalfOpen;
    this.#accepted = true;
    if (this.#socket !== 0) web_socket_accept(this.#socket, this.#half_open);
    else this.#tell_later();
  }

  send(message) {
    require_args(arguments.length, 1, "send", "WebSocket");
    let kind = kBinary;
    let value = message;
    if (typeof message !== "object" || message === null) {
      kind = kText;
      value = to_dom_string(message);
    } else if (is_blob(message)) {
      value = blob_bytes(message);
    } else if (!ArrayBufferIsView(message) && !is_array_buffer(message)) {
      kind = kText;
      value = to_dom_string(message);
    }
    event_require_own(this.#event);
    if (this.#connecting) {
      throw new DOMException("Can't call WebSocket send() before the connection is established.",
        "InvalidStateError");
    }
    if (this.#given) throw new TypeError("Can't send() on " + kReleased);
    if (!this.#accepted) throw new TypeError(kNotAccepted);
    if (this.#closed_out) {
      // A connection that was lost takes what is sent to it, and drops it.
      if (this.#closed_in) return;
      throw new TypeError("Can't call WebSocket send() after close().");
    }
    if (this.#socket === 0) {
      value = kind === kText ? to_usv_string(value) :
        TypedArrayPrototypeGetBuffer(bytes_copy(value));
    }
    this.#send_data(kind, value);
  }

  close(code = undefined, reason = undefined) {
    event_require_own(this.#event);
    const number = check_code(code, reason);
    const text = reason === undefined ? "" : to_usv_string(reason);
    if (text.length > 41 && has_flag("websocket_close_reason_byte_limit") &&
        utf8_encode(text).length > 123) {
      throw new DOMException(
        "The WebSocket close reason must not be longer than 123 bytes in UTF-8.", "SyntaxError");
    }
    if (this.#connecting) {
      this.#failed(new Error("closed before it was established"));
      return;
    }
    if (this.#given) throw new TypeError("Can't close() " + kReleased);
    if (this.#closed_out) return;
    if (!this.#accepted) throw new TypeError(kNotAccepted);
    this.#closed_out = true;
    this.#send_close(number, text);
  }

  serializeAttachment() {
    this.#event;
    throw new Error("serializeAttachment() is only for WebSockets that a Durable Object has " +
      "accepted with state.acceptWebSocket(), which this version of skep does not have.");
  }
  deserializeAttachment() {
    this.#event;
    throw new Error("deserializeAttachment() is only for WebSockets that a Durable Object has " +
      "accepted with state.acceptWebSocket(), which this version of skep does not have.");
  }

  get readyState() {
    if (this.#connecting) return 0;
    if (this.#closed_in && this.#closed_out) return 3;
    return this.#closed_in || this.#closed_out ? 2 : 1;
  }
  get url() {
    return this.#url;
  }
  get protocol() {
    return this.#protocol;
  }
  get extensions() {
    return this.#extensions;
  }
  get binaryType() {
    return this.#binary_type ??
      (has_flag("websocket_standard_binary_type") ? "blob" : "arraybuffer");
  }
  set binaryType(value) {
    const type = to_dom_string(value);
    if (type === "blob" || type === "arraybuffer") this.#binary_type = type;
  }
}
finish_class(WebSocket, "WebSocket");
const states = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];
for (let i = 0; i < 4; i++) {
  expose_constant(WebSocket, states[i], i);
  expose_constant(WebSocket, "READY_STATE_" + states[i], i);
}
event_handler(WebSocket, "onopen");
event_handler(WebSocket, "onmessage");
event_handler(WebSocket, "onclose");
event_handler(WebSocket, "onerror");

export class WebSocketPair {
  constructor() {
    event_require();
    const pair = make_pair();
    this[0] = pair[0];
    this[1] = pair[1];
  }
}
finish_class(WebSocketPair, "WebSocketPair");

export { is_web_socket, respond_with_socket, socket_of_origin, web_socket_event };
