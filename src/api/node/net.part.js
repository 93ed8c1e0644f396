// node:net: TCP clients over connect() of cloudflare:sockets. A Worker does not listen.
import { connect as connect_socket } from "../sockets/sockets.part.js";
import { Buffer } from "./buffer.part.js";
import { EventEmitter } from "./events.part.js";
import { Duplex } from "./stream.part.js";
import { coded, invalid_arg_type, invalid_arg_value, not_implemented } from "./lib/errors.js";
import { is_ip, is_ipv4, is_ipv6, to_big } from "./lib/ip.js";
import {validate_function, validate_int32, validate_port, validate_string} from "./lib/validate.js";

function refused(error, host, port) {
  const code = /refused|cannot connect/.test(error?.message) ? "ECONNREFUSED" : "ECONNRESET";
  return Object.assign(
    new Error(`connect ${code} ${host}:${port}: ${error?.message ?? error}`, { cause : error }), {
      code,
      errno: code === "ECONNREFUSED" ? -111 : -104,
      syscall: "connect",
      address: host,
      port,
    });
}

// connect(port, host?, callback?) | connect({port, host, …}, callback?)
export function connect_arguments(args) {
  const list = [...args];
  const callback = typeof list.at(-1) === "function" ? list.pop() : undefined;
  const [first, second] = list;
  const options =
    typeof first === "object" && first !== null ? {...first } : { port : first, host : second };
  return [options, callback];
}

export class SocketBase extends Duplex {
  #socket = null;   // of cloudflare:sockets
  #reader = null;
  #writer = null;
  #reading = false;
  #wanted = false;  // data was asked for before there was a connection
  #timeout = 0;
  #timer;

  constructor(options = {}) {
    super({
      ...options,
      allowHalfOpen: options?.allowHalfOpen ?? false,
      emitClose: true,
      autoDestroy: true,
      decodeStrings: true
    });
    if (options?.handle || options?.fd !== undefined)
      throw not_implemented("net.Socket of a file descriptor");
    Object.assign(this, {
      connecting: false,
      bytesRead: 0,
      bytesWritten: 0,
      remoteAddress: undefined,
      remotePort: undefined,
      remoteFamily: undefined,
      localAddress: undefined,
      localPort: undefined,
      encrypted: undefined,
      _host: null,
    });
    this.on("end", () => {
      if (!this.allowHalfOpen && !this.writableEnded) this.end();
    });
  }

  get pending() {
    return this.#socket === null || this.connecting;
  }
  get readyState() {
    if (this.connecting) return "opening";
    if (this.readable && this.writable) return "open";
    return this.readable ? "readOnly" : this.writable ? "writeOnly" : "closed";
  }

  connect(...args) {
    const [options, callback] = connect_arguments(Array.isArray(args[0]) ? args[0] : args);
    if (options.path !== undefined) throw not_implemented("net.Socket.connect to a path");
    if (options.port === undefined)
      throw coded(TypeError, "ERR_MISSING_ARGS",
        "The \"options\" or \"port\" or \"path\" argument must be specified");
    const port = validate_port(options.port, "Port");
    const host = options.host ?? "localhost";
    validate_string(host, "options.host");
    if (callback) this.once("connect", callback);
    this.open(host, port, "starttls");
    return this;
  }

  // Opens the connection; transport: secureTransport of connect().
  open(host, port, transport) {
    this.connecting = true;
    Object.assign(this, { remotePort: port, _host: host });
    const socket = connect_socket({ hostname: is_ipv6(host) ? `[${host}]` : host, port },
      { secureTransport: transport, allowHalfOpen: true });
    this.adopt(socket, host, port);
  }

  // Goes on with a socket of cloudflare:sockets.
  adopt(socket, host, port) {
    this.connecting = true;
    this.#socket = socket;
    this.#reader = socket.readable.getReader();
    this.#writer = socket.writable.getWriter();
    socket.closed.catch(() => {});
    this.#writer.closed.catch(() => {});
    socket.opened.then((info) => {
      if (this.destroyed) return;
      this.connecting = false;
      this.remoteAddress =
        info?.remoteAddress?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "") ?? host;
      this.remoteFamily = is_ipv6(this.remoteAddress) ? "IPv6" : "IPv4";
      this.opened();
      if (this.#wanted) this._read();
    }, (error) => this.destroy(refused(error, host, port)));
  }

  opened() {
    this.emit("connect");
    this.emit("ready");
  }

  // Lets go of the connection, for TLS to be started on it. Nothing may be under way.
  release() {
    const socket = this.#socket;
    if (socket === null || this.connecting) return null;
    this.#released = true;
    this.#reader.releaseLock();
    this.#writer.releaseLock();
    this.#socket = this.#reader = this.#writer = null;
    return socket;
  }
  #released = false;

  _read() {
    if (this.connecting || this.#reader === null) {
      this.#wanted = true;
      return;
    }
    if (this.#reading) return;
    this.#reading = true;
    this.#reader.read().then(({ value, done }) => {
      this.#reading = false;
      if (done) return void this.push(null);
      this.bytesRead += value.byteLength;
      this.#touch();
      if (this.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))) this._read();
    }, (error) => {
      this.#reading = false;
      if (!this.#released)
        this.destroy(
          Object.assign(new Error(`read ECONNRESET: ${error?.message}`, { cause : error }), {
            code: "ECONNRESET",
            errno: -104,
            syscall: "read",
          }));
    });
  }

  _write(chunk, encoding, done) {
    if (this.connecting) {
      const failed = (error) => done(error ??
        coded(Error, "ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
          "Socket closed before the connection was established"));
      this.once("close", failed);
      this.once("connect", () => {
        this.off("close", failed);
        this._write(chunk, encoding, done);
      });
      return;
    }
    if (this.#writer === null) return done(coded(Error, "ERR_SOCKET_CLOSED", "Socket is closed"));
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
    this.bytesWritten += bytes.length;
    this.#touch();
    this.#writer.write(new Uint8Array(bytes))
      .then(() => done(),
        (error) =>
          done(Object.assign(new Error(`write EPIPE: ${error?.message}`, { cause : error }),
            { code : "EPIPE", errno : -32, syscall : "write" })));
  }

  _final(done) {
    if (this.connecting) return void this.once("connect", () => this._final(done));
    if (this.#writer === null) return done();
    this.#writer.close().then(() => done(), () => done());
  }

  _destroy(error, done) {
    clearTimeout(this.#timer);
    this.connecting = false;
    const socket = this.#socket;
    this.#socket = this.#reader = this.#writer = null;
    if (socket !== null) socket.close().catch(() => {});
    queueMicrotask(() => done(error));
  }

  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }
  resetAndDestroy() {
    return this.destroy();
  }

  #touch() {
    if (this.#timeout === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.emit("timeout"), this.#timeout);
  }
  setTimeout(ms, callback) {
    validate_int32(ms, "msecs", 0);
    this.#timeout = ms;
    clearTimeout(this.#timer);
    if (callback) {
      validate_function(callback, "callback");
      if (ms === 0) this.off("timeout", callback);
      else this.once("timeout", callback);
    }
    this.#touch();
    return this;
  }
  get timeout() {
    return this.#timeout;
  }
  setNoDelay() {
    return this;
  }
  setKeepAlive() {
    return this;
  }
  setTypeOfService() {
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  address() {
    return this.localAddress === undefined
      ? {}
      : { address : this.localAddress, port : this.localPort, family : "IPv4" };
  }
}

// Called without `new` by old code.
export function callable(Class, name) {
  const made = { [name]: function (...args) {
    return Reflect.construct(Class, args, new.target ?? Class);
  } }[name];
  made.prototype = Class.prototype;
  Object.setPrototypeOf(made, Object.getPrototypeOf(Class));
  Object.defineProperty(
    made.prototype, "constructor", { value : made, configurable : true, writable : true });
  return made;
}
const Socket = callable(SocketBase, "Socket");

function connect(...args) {
  const [options, callback] = connect_arguments(args);
  const socket = new SocketBase(options);
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket.connect(options, callback);
}

class ServerBase extends EventEmitter {
  get listening() {
    return false;
  }
  listen() {
    throw not_implemented("net.Server.listen");
  }
  address() {
    return null;
  }
  close(callback) {
    queueMicrotask(
      () => callback?.(coded(Error, "ERR_SERVER_NOT_RUNNING", "Server is not running.")));
    return this;
  }
}
const Server = callable(ServerBase, "Server");
const createServer = () => new ServerBase();

class SocketAddress {
  constructor({ address, port = 0, family = "ipv4", flowlabel = 0 } = {}) {
    this.address = address ?? (family === "ipv6" ? "::" : "127.0.0.1");
    if (is_ip(this.address) !== (family === "ipv6" ? 6 : 4)) {
      throw coded(Error, "ERR_INVALID_ADDRESS", "Invalid address");
    }
    Object.assign(this, { port: validate_port(port, "options.port"), family, flowlabel });
  }
}

class BlockList {
  #rules = [];
  #add(kind, family, low, high, text) {
    this.#rules.unshift({ family, low, high, text: `${kind}: ${text}` });
  }
  addAddress(address, family = "ipv4") {
    const value = this.#value(address, family);
    this.#add("Address", family, value, value, `${family === "ipv4" ? "IPv4" : "IPv6"} ${address}`);
  }
  addRange(start, end, family = "ipv4") {
    const [low, high] = [this.#value(start, family), this.#value(end, family)];
    if (low > high) throw invalid_arg_value("start", start, "must come before end");
    this.#add("Range", family, low, high, `${family === "ipv4" ? "IPv4" : "IPv6"} ${start}-${end}`);
  }
  addSubnet(net, prefix, family = "ipv4") {
    const bits = family === "ipv4" ? 32 : 128;
    validate_int32(prefix, "prefix", 0, bits);
    const size = 1n << BigInt(bits - prefix);
    const low = this.#value(net, family) / size * size;
    this.#add("Subnet", family, low, low + size - 1n,
      `${family === "ipv4" ? "IPv4" : "IPv6"} ${net}/${prefix}`);
  }
  #value(address, family) {
    const text = address instanceof SocketAddress ? address.address : address;
    if (typeof text !== "string") throw invalid_arg_type("address", "string", address);
    if (is_ip(text) !== (family === "ipv6" ? 6 : 4))
      throw coded(Error, "ERR_INVALID_ADDRESS", "Invalid address");
    return to_big(text);
  }
  check(address, family = "ipv4") {
    const text = address instanceof SocketAddress ? address.address : address;
    if (is_ip(text) === 0) return false;
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text);
    const [kind, value] = mapped ? ["ipv4", to_big(mapped[1])] : [family, to_big(text)];
    return this.#rules.some(
      (rule) => rule.family === kind && rule.low <= value && value <= rule.high);
  }
  get rules() {
    return this.#rules.map((rule) => rule.text);
  }
  static isBlockList(value) {
    return value instanceof BlockList;
  }
}

let select_family = true;
let select_timeout = 250;

export { BlockList, Server, Socket, SocketAddress, connect };
export default {
  BlockList,
  Server,
  Socket,
  SocketAddress,
  Stream: Socket,
  connect,
  createConnection: connect,
  createServer,
  getDefaultAutoSelectFamily: () => select_family,
  getDefaultAutoSelectFamilyAttemptTimeout: () => select_timeout,
  isIP: is_ip,
  isIPv4: is_ipv4,
  isIPv6: is_ipv6,
  setDefaultAutoSelectFamily(value) {
    select_family = Boolean(value);
  },
  setDefaultAutoSelectFamilyAttemptTimeout(value) {
    validate_int32(value, "value", 1);
    select_timeout = Math.max(value, 10);
  },
};
