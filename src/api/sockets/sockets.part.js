// connect() of cloudflare:sockets: TCP connections, plain, over TLS, or plain first and TLS later.
import { ops } from "../base/ops.js";
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  Error,
  PromisePrototypeThen,
  PromiseReject,
  RegExp,
  RegExpPrototypeExec,
  StringPrototypeIndexOf,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  TypeError,
} from "../base/primordials.js";
import { illegal_constructor, require_args, to_dictionary, to_usv_string }
  from "../base/webidl.js";
import { own_ops } from "../parts/own_ops.js";
import { mark_handled, resolved } from "../streams/promises.js";
import { byte_close, byte_enqueue, new_byte_stream } from "../streams/streams.js";
import { create_writable } from "../streams/writable.part.js";

const { event_require } = ops;
const { socket_close, socket_closed, socket_connect, socket_opened, socket_readable, socket_sent,
  socket_shutdown, socket_start_tls, socket_take, socket_write } = own_ops;

const unparsable = () => new TypeError("Specified address could not be parsed.");
const no_hostname = () => new TypeError("Specified address is missing hostname.");
const no_port = () => new TypeError("Specified address is missing port.");
const lost = () => new Error("Network connection lost.");

const digits = new RegExp("^[0-9]{1,5}$");
const not_in_host = new RegExp("[\\s/?#@\\\\]");

function check_host(host) {
  if (host === "") throw no_hostname();
  if (RegExpPrototypeExec(not_in_host, host) !== null) throw unparsable();
  return host;
}

// [host, port] of "host:port", "[v6]:port" or {hostname, port}.
function parse_address(address) {
  if (typeof address === "object" && address !== null) {
    const { hostname, port } = address;
    if (hostname === undefined) throw no_hostname();
    if (port === undefined) throw no_port();
    const number = +port;
    if (!(number >= 0 && number <= 65535)) throw unparsable();
    return [check_host(to_usv_string(hostname)), number | 0];
  }
  const text = to_usv_string(address);
  const colon = StringPrototypeLastIndexOf(text, ":");
  if (colon < 0 || colon < StringPrototypeIndexOf(text, "]")) throw no_port();
  const port = StringPrototypeSlice(text, colon + 1);
  if (port === "") throw no_port();
  const host = check_host(StringPrototypeSlice(text, 0, colon));
  const bare = StringPrototypeIndexOf(host, ":") >= 0 && StringPrototypeIndexOf(host, "[") !== 0;
  if (bare || RegExpPrototypeExec(digits, port) === null || +port > 65535) throw unparsable();
  return [host, +port];
}

// What the algorithms of a stream are to return.
function as_promise(run) {
  try {
    return run() ?? resolved();
  } catch (error) {
    return PromiseReject(error);
  }
}

class Socket {
  #id;
  #transport;
  #half_open;
  #upgraded = false;
  #gone = false;  // its connection was closed, or is another Socket's
  #opened;
  #closed;
  #readable;
  #controller;
  #writable;

  constructor(internal, id, transport, half_open) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#id = id;
    this.#transport = transport;
    this.#half_open = half_open;
    const opened = socket_opened(id);
    this.#opened = PromisePrototypeThen(opened, (remoteAddress) => ({ remoteAddress }));
    this.#closed = socket_closed(id);
    // Whoever does not look at them hears of a failure from the streams.
    mark_handled(this.#opened);
    mark_handled(this.#closed);
    const { stream, controller } = new_byte_stream({
      pull: () => as_promise(() => this.#pull()),
      cancel: () => undefined,
    });
    this.#readable = stream;
    this.#controller = controller;
    this.#writable = create_writable(
      () => opened,
      (chunk) => as_promise(() => this.#write(chunk)),
      () => as_promise(() => {
        if (!this.#gone) socket_shutdown(id);
      }),
      () => as_promise(() => this.#end())).stream;
  }

  get readable() {
    return this.#readable;
  }
  get writable() {
    return this.#writable;
  }
  get opened() {
    return this.#opened;
  }
  get closed() {
    return this.#closed;
  }
  get upgraded() {
    return this.#upgraded;
  }
  get secureTransport() {
    return this.#transport;
  }

  close() {
    try {
      this.#end();
    } catch (error) {
      return PromiseReject(error);
    }
    return this.#closed;
  }

  startTls(options = undefined) {
    if (this.#transport === "on") throw new TypeError("Cannot startTls on a TLS socket.");
    if (this.#transport !== "starttls") {
      throw new TypeError("The `secureTransport` socket option must be set to 'starttls' for " +
        "startTls to be used.");
    }
    if (this.#gone) throw new TypeError("The socket is closed, or was upgraded already.");
    const { expectedServerHostname } = to_dictionary(options, "TlsOptions");
    socket_start_tls(this.#id,
      expectedServerHostname === undefined ? "" : to_usv_string(expectedServerHostname));
    this.#upgraded = this.#gone = true;
    byte_close(this.#controller);
    return new Socket(kInternal, this.#id, "on", this.#half_open);
  }

  #pull() {
    return this.#gone ? byte_close(this.#controller) :
      PromisePrototypeThen(socket_readable(this.#id), (more) => {
        if (more && !this.#gone) {
          byte_enqueue(this.#controller, socket_take(this.#id));
          return;
        }
        byte_close(this.#controller);
        if (!this.#half_open) this.#end();
      });
  }

  #write(chunk) {
    if (this.#gone || !socket_write(this.#id, chunk)) throw lost();
    return PromisePrototypeThen(socket_sent(this.#id), (open) => {
      if (!open) throw lost();
    });
  }

  // All that was written still leaves.
  #end() {
    if (this.#gone) return;
    this.#gone = true;
    socket_close(this.#id);
    byte_close(this.#controller);
  }
}
finish_class(Socket, "Socket");

function read_options(options) {
  const { secureTransport = "off", allowHalfOpen = false } = to_dictionary(options, "SocketOptions");
  if (secureTransport !== "off" && secureTransport !== "on" && secureTransport !== "starttls") {
    throw new TypeError(`Unsupported value in secureTransport socket option: ${secureTransport}`);
  }
  return { __proto__: null, transport: secureTransport, half_open: !!allowHalfOpen };
}

export function connect(address, options = undefined) {
  require_args(arguments.length, 1, "connect", "sockets");
  event_require();
  const to = parse_address(address);
  const { transport, half_open } = read_options(options);
  const id = socket_connect(to[0], to[1], transport === "on");
  return new Socket(kInternal, id, transport, half_open);
}
