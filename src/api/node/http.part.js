// node:http: a client over fetch(), and servers that a Worker's fetch handler calls
// (cloudflare:node). There are no sockets under either.
import { Buffer } from "./buffer.part.js";
import { EventEmitter } from "./events.part.js";
import { Readable, Writable } from "./stream.part.js";
import { coded, invalid_arg_type, not_implemented } from "./lib/errors.js";
import {
  OutgoingHeaders,
  each_header,
  headers_sent,
  read_headers,
  validate_header_name,
  validate_header_value
} from "./lib/http_message.js";
import { METHODS, STATUS_CODES } from "./lib/http_tables.js";
import { validate_port, validate_string } from "./lib/validate.js";

const { fetch } = globalThis;

// What stands for a connection.
class FakeSocket extends EventEmitter {
  constructor({ remoteAddress, encrypted = false } = {}) {
    super();
    Object.assign(this, {
      remoteAddress,
      remoteFamily: remoteAddress?.includes(":") ? "IPv6" : "IPv4",
      remotePort: 0,
      localAddress: "127.0.0.1",
      localPort: 0,
      encrypted,
      destroyed: false,
      readable: true,
      writable: true,
      bytesRead: 0,
      bytesWritten: 0,
    });
  }
  setTimeout() {
    return this;
  }
  setNoDelay() {
    return this;
  }
  setKeepAlive() {
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  cork() {}
  uncork() {}
  address() {
    return { address: "127.0.0.1", family: "IPv4", port: 0 };
  }
  end() {}
  destroy(error) {
    if (this.destroyed) return this;
    this.destroyed = true;
    queueMicrotask(() => this.emit("close", Boolean(error)));
    return this;
  }
}

// --- messages that come ---

class IncomingMessage extends Readable {
  #reader = null;
  #busy = false;

  constructor(socket) {
    super({ highWaterMark: 64 * 1024 });
    Object.assign(this, {
      socket,
      connection: socket,
      httpVersion: "1.1",
      httpVersionMajor: 1,
      httpVersionMinor: 1,
      complete: false,
      headers: {},
      headersDistinct: {},
      rawHeaders: [],
      trailers: {},
      trailersDistinct: {},
      rawTrailers: [],
      method: null,
      url: "",
      statusCode: null,
      statusMessage: null,
      aborted: false,
    });
  }

  take_headers(source, skip) {
    const { headers, distinct, raw } = read_headers(source, skip);
    this.headers = headers;
    this.headersDistinct = distinct;
    this.rawHeaders = raw;
  }

  // body: a ReadableStream of bytes, or null
  take_body(body) {
    if (body === null) return this.#end();
    this.#reader = body.getReader();
  }

  #end() {
    this.complete = true;
    this.push(null);
  }

  _read() {
    if (this.#reader === null || this.#busy) return;
    this.#busy = true;
    this.#reader.read().then(({ value, done }) => {
      this.#busy = false;
      if (done) return this.#end();
      if (this.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))) this._read();
    }, (error) => {
      this.aborted = true;
      this.destroy(error);
    });
  }

  _destroy(error, done) {
    if (this.#reader !== null && !this.complete)
      this.#reader.cancel(error ?? undefined).catch(() => {});
    queueMicrotask(() => done(error));
  }

  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    return this;
  }
}

// --- messages that go ---

class OutgoingMessage extends Writable {
  #headers = new OutgoingHeaders();
  #sent = false;

  constructor(options) {
    super({ highWaterMark: 64 * 1024, ...options });
    Object.assign(this, {
      sendDate: true,
      shouldKeepAlive: true,
      chunkedEncoding: false,
      useChunkedEncodingByDefault: true,
      finished: false,
      socket: null,
      connection: null,
      _header: null,
      maxRequestsOnConnectionReached: false,
      strictContentLength: false,
    });
  }

  get headersSent() {
    return this.#sent;
  }
  get outgoing_headers() {
    return this.#headers;
  }
  mark_sent() {
    this.#sent = true;
    this._header = "sent";
  }
  #change(what) {
    if (this.#sent) throw headers_sent(what);
    return this.#headers;
  }
  setHeader(name, value) {
    this.#change("set").set(name, value);
    return this;
  }
  appendHeader(name, value) {
    this.#change("append").append(name, value);
    return this;
  }
  setHeaders(headers) {
    if (!(headers instanceof Headers) && !(headers instanceof Map)) {
      throw invalid_arg_type("headers", ["Headers", "Map"], headers);
    }
    const cookies = headers instanceof Headers ? headers.getSetCookie() : [];
    each_header(headers, (name, value) => {
      if (name !== "set-cookie" || cookies.length === 0) this.setHeader(name, value);
    });
    if (cookies.length > 0) this.setHeader("set-cookie", cookies);
    return this;
  }
  getHeader(name) {
    return this.#headers.get(name);
  }
  getHeaders() {
    return this.#headers.object();
  }
  getHeaderNames() {
    return this.#headers.names();
  }
  getRawHeaderNames() {
    return this.#headers.raw_names();
  }
  hasHeader(name) {
    return this.#headers.has(name);
  }
  removeHeader(name) {
    this.#change("remove").delete(name);
  }
  get _headers() {
    return this.getHeaders();
  }
  addTrailers() {
    throw not_implemented("http.OutgoingMessage.addTrailers");
  }
  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    return this;
  }
  flushHeaders() {
    if (!this.#sent) this._implicitHeader();
  }
  write(chunk, encoding, callback) {
    if (!this.#sent) this._implicitHeader();
    return super.write(chunk, encoding, callback);
  }
  end(chunk, encoding, callback) {
    if (typeof chunk === "function") [chunk, encoding, callback] = [undefined, undefined, chunk];
    else if (typeof encoding === "function") [encoding, callback] = [undefined, encoding];
    this.finished = true;
    if (!this.#sent) this.end_at_once(chunk, encoding);
    else if (chunk !== undefined && chunk !== null) super.write(chunk, encoding);
    return super.end(callback);
  }
}

// --- server ---

const without_body = (status) => status === 204 || status === 205 || status === 304;

class ServerResponse extends OutgoingMessage {
  #send;
  #controller = null;
  #pulled = null;     // tells the writer that the client wants more
  #body = null;       // written at once, before the headers went

  constructor(req, options) {
    super(options);
    this.req = req;
    this.statusCode = 200;
    this.statusMessage = undefined;
    this.#send = Promise.withResolvers();
    this.assignSocket(req?.socket ?? null);
  }

  static answer_of(res) {
    return res.#send.promise;
  }
  static fail(res, error) {
    res.#send.reject(error);
  }

  assignSocket(socket) {
    this.socket = this.connection = socket;
  }
  detachSocket() {
    this.socket = this.connection = null;
  }
  writeContinue() {}
  writeProcessing() {}
  writeEarlyHints(hints, callback) {
    callback?.();
  }

  writeHead(status, message, headers) {
    if (this.headersSent) throw headers_sent("write");
    if (typeof message !== "string") [message, headers] = [undefined, headers ?? message];
    const code = status | 0;
    if (code < 100 || code > 999) {
      throw coded(RangeError, "ERR_HTTP_INVALID_STATUS_CODE", `Invalid status code: ${status}`);
    }
    this.statusCode = code;
    if (message !== undefined) this.statusMessage = message;
    if (Array.isArray(headers)) {
      // A list may have a name twice: each counts.
      const seen = new Set();
      each_header(headers, (name, value) => {
        if (seen.has(name.toLowerCase())) this.appendHeader(name, value);
        else this.setHeader(name, value);
        seen.add(name.toLowerCase());
      });
    } else {
      each_header(headers, (name, value) => {
        if (value !== undefined) this.setHeader(name, value);
      });
    }
    this._header = "written";
    return this;
  }

  _implicitHeader() {
    this.statusMessage ??= STATUS_CODES[this.statusCode] ?? "unknown";
    this.mark_sent();
    const bodiless = without_body(this.statusCode) || this.req?.method === "HEAD";
    this.#send.resolve(this.#response(bodiless ? null : this.#body ?? this.#stream()));
  }

  #response(body) {
    return new Response(body, {
      status: this.statusCode, statusText: this.statusMessage,
      headers: this.outgoing_headers.to_web(["transfer-encoding", "connection", "keep-alive"]),
      ...(this.outgoing_headers.has("content-encoding") && { encodeBody: "manual" }),
    });
  }

  #stream() {
    return new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        const pulled = this.#pulled;
        this.#pulled = null;
        pulled?.();
      },
      cancel: (reason) => {
        this.#controller = null;
        this.req?.socket?.destroy();
        this.destroy(reason instanceof Error ? reason : undefined);
      },
    });
  }

  end_at_once(chunk, encoding) {
    const bytes = chunk === undefined || chunk === null ? new Uint8Array()
      : typeof chunk === "string" ? Buffer.from(chunk, encoding) : new Uint8Array(chunk);
    this.#body = bytes;
    if (!without_body(this.statusCode) && !this.hasHeader("content-length") &&
      !this.hasHeader("transfer-encoding") &&
      !(this.req?.method === "HEAD" && bytes.length === 0)) {
      this.setHeader("Content-Length", bytes.length);
    }
    this._implicitHeader();
  }

  _write(chunk, encoding, done) {
    if (this.#controller === null) return done();  // no body is sent, or nobody listens
    if (chunk.length > 0) this.#controller.enqueue(new Uint8Array(chunk));
    if (this.#controller.desiredSize > 0) return done();
    this.#pulled = done;
  }

  _final(done) {
    this.#controller?.close();
    this.#controller = null;
    done();
    queueMicrotask(() => this.req?.socket?.emit("finish"));
  }

  _destroy(error, done) {
    if (!this.headersSent) {
      this.#send.reject(error ?? new Error("The server ended the response before it had begun."));
    } else {
      this.#controller?.error(error ?? new Error("The response was ended before it was complete."));
      this.#controller = null;
    }
    this.#pulled?.();
    done(error);
  }
}

// The servers that listen, by the numbers of the ports that they say.
const listening = new Map();
let next_port = 49152;

class Server extends EventEmitter {
  #port;
  constructor(options, listener) {
    super();
    if (typeof options === "function") listener = options;
    if (listener) this.on("request", listener);
    Object.assign(this, {
      timeout: 0,
      keepAliveTimeout: 5000,
      headersTimeout: 60000,
      requestTimeout: 300000,
      maxHeadersCount: null,
      maxRequestsPerSocket: 0,
      connections: 0
    });
  }
  get listening() {
    return this.#port !== undefined;
  }
  listen(...args) {
    const callback = typeof args.at(-1) === "function" ? args.pop() : undefined;
    const given = typeof args[0] === "object" && args[0] !== null ? args[0].port : args[0];
    if (this.#port !== undefined) {
      throw coded(Error, "ERR_SERVER_ALREADY_LISTEN",
        "Listen method has been called more than once without closing.");
    }
    const port = given === undefined || given === null || +given === 0
      ? next_port++
      : validate_port(given, "options.port");
    if (listening.has(port)) {
      throw Object.assign(new Error(`listen EADDRINUSE: address already in use :::${port}`),
        { code : "EADDRINUSE", errno : -98 });
    }
    this.#port = port;
    listening.set(port, this);
    if (callback) this.once("listening", callback);
    queueMicrotask(() => this.emit("listening"));
    return this;
  }
  address() {
    return this.#port === undefined ? null
                                    : { port : this.#port, family : "IPv4", address : "127.0.0.1" };
  }
  close(callback) {
    const was_open = this.#port !== undefined;
    listening.delete(this.#port);
    this.#port = undefined;
    queueMicrotask(() => {
      if (was_open) this.emit("close");
      callback?.(
        was_open ? undefined : coded(Error, "ERR_SERVER_NOT_RUNNING", "Server is not running."));
    });
    return this;
  }
  closeAllConnections() {}
  closeIdleConnections() {}
  getConnections(callback) {
    queueMicrotask(() => callback(null, 0));
    return this;
  }
  setTimeout(ms, callback) {
    if (callback) this.on("timeout", callback);
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  async [Symbol.asyncDispose]() {
    this.close();
  }
}

function incoming_request(request) {
  const url = new URL(request.url);
  const req = new IncomingMessage(new FakeSocket({
    remoteAddress: request.headers.get("cf-connecting-ip") ?? "127.0.0.1",
    encrypted: url.protocol === "https:",
  }));
  req.method = request.method;
  req.url = url.pathname + url.search;
  req.take_headers(request.headers);
  if (req.headers.host === undefined) req.headers.host = url.host;
  req.take_body(request.body);
  req.cloudflare = { cf: request.cf };
  return req;
}

// One request for a server: its answer.
function serve(server, request, env, ctx) {
  const req = incoming_request(request);
  Object.assign(req.cloudflare, { env, ctx });
  const res = new ServerResponse(req);
  const answer = ServerResponse.answer_of(res);
  try {
    if (!server.emit("request", req, res))
      throw new Error("The server has no listener for requests.");
  } catch (error) {
    ServerResponse.fail(res, error);
  }
  return answer;
}

function port_of(target) {
  const port = typeof target === "object" && target !== null ? target.port : target;
  return validate_port(port, "port");
}

export function handle_as_node_request(target, request, env, ctx) {
  const port = port_of(target);
  const server = listening.get(port);
  if (server === undefined) {
    throw coded(Error, "ERR_INVALID_STATE",
      `Http server with port ${port} not found. This is likely a bug with your code. ` +
        "You should check if server.listen() was called with the same port");
  }
  return serve(server, request, env, ctx);
}

export function server_handler(target) {
  let port;
  if (target instanceof Server) {
    if (!target.listening) target.listen();
    ({ port } = target.address());
  } else {
    port = port_of(target);
  }
  return { fetch: (request, env, ctx) => handle_as_node_request(port, request, env, ctx) };
}

// --- client ---

class Agent extends EventEmitter {
  constructor(options = {}) {
    super();
    Object.assign(this, {
      options,
      defaultPort: 80,
      protocol: "http:",
      keepAlive: false,
      keepAliveMsecs: 1000,
      maxSockets: Infinity,
      maxFreeSockets: 256,
      maxTotalSockets: Infinity,
      requests: {},
      sockets: {},
      freeSockets: {}
    });
    Object.assign(this, options);
  }
  getName({ host = "localhost", port = "", localAddress = "" } = {}) {
    return `${host}:${port}:${localAddress}`;
  }
  destroy() {}
}
const globalAgent = new Agent();

const bad_path = /[^\u0021-\u00ff]/;

function client_options(input, options) {
  let given = input;
  if (typeof input === "string") given = new URL(input);
  if (given instanceof URL) {
    const { protocol, hostname, port, pathname, search, username, password, hash } = given;
    given = {
      protocol,
      hostname: hostname.replace(/^\[|\]$/g, ""),
      path: `${pathname}${search}`,
      hash
    };
    if (port !== "") given.port = +port;
    if (username || password)
      given.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  }
  return { ...given, ...options };
}

class ClientRequest extends OutgoingMessage {
  #chunks = [];
  #controller = new AbortController();
  #timer;
  #url;
  #started = false;

  constructor(input, options, callback, protocol = "http:") {
    // What is written is through long before the answer is.
    super({ autoDestroy: false, emitClose: false });
    if (typeof options === "function") [options, callback] = [undefined, options];
    const given = client_options(input, options);
    const expected = given.agent?.protocol ?? protocol;
    this.protocol = given.protocol ?? expected;
    if (this.protocol !== expected) {
      throw coded(TypeError, "ERR_INVALID_PROTOCOL",
        `Protocol "${this.protocol}" not supported. Expected "${expected}"`);
    }
    this.path = given.path || "/";
    if (bad_path.test(this.path)) {
      throw coded(
        TypeError, "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters");
    }
    if (given.method !== undefined && given.method !== null)
      validate_string(given.method, "options.method");
    this.method = (given.method ?? "GET").toUpperCase();
    validate_header_name(this.method, "Method");
    this.host = given.host ?? given.hostname ?? "localhost";
    if (given.hostname) this.host = given.hostname;
    this.#address(given);
    this.agent = given.agent ?? globalAgent;
    this.aborted = false;
    this.reusedSocket = false;
    this.socket = this.connection = new FakeSocket({ encrypted: this.protocol === "https:" });
    each_header(given.headers, (name, value) => this.setHeader(name, value));
    if (given.auth && !this.hasHeader("authorization")) {
      this.setHeader("Authorization", `Basic ${Buffer.from(given.auth).toString("base64")}`);
    }
    if (callback) this.once("response", callback);
    if (given.timeout) this.setTimeout(given.timeout);
    if (given.signal) {
      if (given.signal.aborted) queueMicrotask(() => this.destroy(abort_error(given.signal)));
      else
        given.signal.addEventListener(
          "abort", () => this.destroy(abort_error(given.signal)), { once : true });
    }
    queueMicrotask(() => this.emit("socket", this.socket));
  }

  #address(given) {
    const usual = this.protocol === "https:" ? 443 : 80;
    const port = given.port ?? given.defaultPort ?? usual;
    const host =
      this.host.includes(":") && !this.host.startsWith("[") ? `[${this.host}]` : this.host;
    this.#url = `${this.protocol}//${host}${+port === usual ? "" : `:${port}`}${this.path}`;
    if (!this.hasHeader("host") && given.setHost !== false) {
      this.setHeader("Host", `${host}${+port === usual ? "" : `:${port}`}`);
    }
  }

  setTimeout(ms, callback) {
    if (callback) this.once("timeout", callback);
    clearTimeout(this.#timer);
    if (ms > 0) this.#timer = setTimeout(() => this.emit("timeout"), ms);
    return this;
  }
  setNoDelay() {}
  setSocketKeepAlive() {}
  onSocket() {}
  abort() {
    if (this.aborted) return;
    this.aborted = true;
    queueMicrotask(() => this.emit("abort"));
    this.destroy();
  }
  _implicitHeader() {
    this.mark_sent();
  }
  end_at_once(chunk, encoding) {
    if (chunk !== undefined && chunk !== null) {
      this.#chunks.push(
        typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk));
    }
    this.mark_sent();
  }
  _write(chunk, encoding, done) {
    this.#chunks.push(Buffer.from(chunk));
    done();
  }
  _final(done) {
    this.#start();
    done();
  }

  async #start() {
    this.#started = true;
    const body = this.#chunks.length > 0 ? Buffer.concat(this.#chunks) : undefined;
    this.#chunks = [];
    try {
      const response = await fetch(this.#url, {
        method: this.method,
        redirect: "manual",
        signal: this.#controller.signal,
        body,
        headers: this.outgoing_headers.to_web(
          [ "content-length", "transfer-encoding", "connection", "keep-alive", "host" ]),
      });
      clearTimeout(this.#timer);
      this.#deliver(response);
    } catch (error) {
      if (!this.destroyed) this.destroy(error);
    }
  }

  #deliver(response) {
    const res = new IncomingMessage(this.socket);
    res.statusCode = response.status;
    res.statusMessage = response.statusText || STATUS_CODES[response.status] || "";
    res.url = "";
    res.req = this;
    this.res = res;
    // fetch() has decoded the body.
    const coded_body = response.headers.has("content-encoding");
    res.take_headers(response.headers, coded_body ? ["content-encoding", "content-length"] : []);
    res.take_body(response.body);
    res.once("close", () => this.emit("close"));
    if (!this.emit("response", res)) res.resume();
  }

  _destroy(error, done) {
    clearTimeout(this.#timer);
    this.#controller.abort();
    if (this.res) {
      this.res.destroy(error);
      return done(null);
    }
    done(error ?? (this.#started || !this.writableFinished
      ? Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }) : null));
  }
}

const abort_error = (signal) =>
  Object.assign(new Error("The operation was aborted", { cause : signal.reason }),
    { name : "AbortError", code : "ABORT_ERR" });

export function make_request(protocol) {
  return (input, options, callback) => new ClientRequest(input, options, callback, protocol);
}
const request = make_request("http:");
function get(...args) {
  const req = request(...args);
  req.end();
  return req;
}

// Called with or without `new`, as old code does.
function callable(Class, name) {
  const made = { [name]: function (...args) {
    return Reflect.construct(Class, args, new.target ?? Class);
  } }[name];
  made.prototype = Class.prototype;
  Object.setPrototypeOf(made, Object.getPrototypeOf(Class));
  Object.defineProperty(
    made.prototype, "constructor", { value : made, configurable : true, writable : true });
  return made;
}
const createServer = (options, listener) => new Server(options, listener);
const http_agent = callable(Agent, "Agent");
const http_server = callable(Server, "Server");
const setMaxIdleHTTPParsers = () => {};

export {
  Agent,
  ClientRequest,
  FakeSocket,
  IncomingMessage,
  METHODS,
  OutgoingMessage,
  STATUS_CODES,
  Server,
  ServerResponse,
  globalAgent
};
export default {
  Agent: http_agent,
  ClientRequest,
  CloseEvent: globalThis.CloseEvent,
  IncomingMessage,
  METHODS,
  MessageEvent: globalThis.MessageEvent,
  OutgoingMessage,
  STATUS_CODES,
  Server: http_server,
  ServerResponse,
  WebSocket: globalThis.WebSocket,
  _connectionListener() {},
  createServer,
  get,
  globalAgent,
  maxHeaderSize: 16384,
  request,
  setMaxIdleHTTPParsers,
  validateHeaderName: validate_header_name,
  validateHeaderValue: validate_header_value,
};
