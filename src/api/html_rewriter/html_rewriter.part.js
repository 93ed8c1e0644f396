// HTMLRewriter (Workers): rewrites the HTML of a response while it passes.
import { finish_class } from "../base/expose.js";
import {
  ArrayBufferIsView,
  ArrayPrototypePush,
  PromisePrototypeThen,
  PromiseResolve,
  TypeError,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSubarray,
  Uint8Array,
  noop,
} from "../base/primordials.js";
import { require_args, to_callback, to_dom_string } from "../base/webidl.js";
import { bytes_copy, is_array_buffer } from "../fetch/body.js";
import { is_response, response_stream, response_with_body } from "../fetch/response.js";
import { deferred } from "../streams/promises.js";
import {
  acquire_reader,
  byte_close,
  byte_enqueue,
  byte_error,
  new_byte_stream,
  reader_cancel,
  reader_read,
} from "../streams/streams.js";
import { Engine } from "./engine.js";
import { make_handler } from "./tokens.js";

const kPieceBytes = 65536;

const max_selector = 1024;  // characters: lol-html's compiler goes as deep as there are combinators

let shared = null;

function engine_of_now() {
  if (shared === null || shared.worn_out) shared = new Engine();
  return shared;
}

// Throws lol-html's TypeError for a selector that is none.
function check_selector(selector) {
  if (selector.length > max_selector) throw new TypeError("Parser error: the selector is too long.");
  const engine = engine_of_now();
  const { exports } = engine;
  const sink = engine.give(noop);
  const rewriter = exports.htmlrewriter_new(sink, 0);
  engine.take(sink);
  const at = engine.pass(selector);
  const bytes = engine.passed_bytes;
  const handlers = { __proto__: null };
  try {
    engine.call(() => exports.htmlrewriter_on(rewriter, at, bytes, engine.give(handlers)));
  } finally {
    exports.__wbg_htmlrewriter_free(rewriter);
  }
}

const element_handlers = ["element", "comments", "text"];
const document_handlers = ["doctype", "comments", "text", "end"];

function read_handlers(handlers, names) {
  if (typeof handlers !== "object" && typeof handlers !== "function" || handlers === null) {
    throw new TypeError("The handlers of HTMLRewriter are not an object.");
  }
  const read = { __proto__: null, self: handlers };
  for (let i = 0; i < names.length; i++) {
    const handler = handlers[names[i]];
    if (handler !== undefined && handler !== null) read[names[i]] = to_callback(handler, `The handler '${names[i]}'`);
  }
  return read;
}

// One document on its way through.
class Rewriting {
  #engine = engine_of_now();
  #stack = this.#engine.take_stack();
  #rewriter;
  #running = false;
  #out = [];
  #out_bytes = 0;

  constructor(rules) {
    const engine = this.#engine;
    const { exports } = engine;
    const sink = engine.give((bytes) => {
      if (bytes.length > 0) ArrayPrototypePush(this.#out, bytes);
      this.#out_bytes += bytes.length;
    });
    this.#rewriter = exports.htmlrewriter_new(sink, 0);
    engine.take(sink);
    for (let i = 0; i < rules.length; i++) this.#add(rules[i]);
  }

  #add({ selector, handlers, names }) {
    const engine = this.#engine;
    const made = { __proto__: null };
    for (let i = 0; i < names.length; i++) {
      const handler = handlers[names[i]];
      if (handler !== undefined) made[names[i]] = make_handler(engine, handler, handlers.self);
    }
    if (selector === null) {
      engine.call(() => engine.exports.htmlrewriter_onDocument(this.#rewriter, engine.give(made)));
      return;
    }
    const at = engine.pass(selector);
    const bytes = engine.passed_bytes;
    engine.call(() => engine.exports.htmlrewriter_on(this.#rewriter, at, bytes, engine.give(made)));
  }

  // Undefined, or a promise, as Engine.run.
  #run(call) {
    this.#running = true;
    const waiting = this.#engine.run(call, this.#stack);
    if (waiting !== undefined) return PromisePrototypeThen(waiting, () => this.#idle());
    return this.#idle();
  }
  #idle() {
    this.#running = false;
  }

  write(bytes) {
    const engine = this.#engine;
    const at = engine.pass_bytes(bytes);
    const length = engine.passed_bytes;
    return this.#run(() => engine.exports.htmlrewriter_write(this.#rewriter, at, length));
  }

  end() {
    return this.#run(() => this.#engine.exports.htmlrewriter_end(this.#rewriter));
  }

  // What came out since the last time; null: nothing.
  take() {
    const list = this.#out;
    const size = this.#out_bytes;
    if (size === 0) return null;
    this.#out = [];
    this.#out_bytes = 0;
    if (list.length === 1) return list[0];
    const all = new Uint8Array(size);
    for (let i = 0, at = 0; i < list.length; at += list[i++].length) TypedArrayPrototypeSet(all, list[i], at);
    return all;
  }

  // After the end, or instead of it.
  free() {
    const engine = this.#engine;
    if (this.#rewriter === 0 || engine.broken) return;
    if (this.#running) {
      engine.lose();
    } else {
      engine.exports.__wbg_htmlrewriter_free(this.#rewriter);
      engine.return_stack(this.#stack);
    }
    this.#rewriter = 0;
  }
}

// The output of a transform: a byte stream that reads its source when it is read.
class Output {
  #rewriting;
  #rules;
  #reader;
  #controller;
  stream;

  constructor(rules, source) {
    this.#rules = rules;
    this.#reader = acquire_reader(source);
    const { stream, controller } = new_byte_stream({
      __proto__: null,
      pull: () => this.#pull(),
      cancel: (reason) => {
        this.#rewriting?.free();
        return reader_cancel(this.#reader, reason);
      },
    });
    this.stream = stream;
    this.#controller = controller;
  }

  #pull() {
    const done = deferred();
    this.#read(done);
    return done.promise;
  }

  // Reads until something comes out.
  #read(done) {
    reader_read(this.#reader, {
      __proto__: null,
      chunk: (chunk) => this.#go(done, () => this.#write(bytes_of(chunk), 0)),
      close: () => this.#go(done, () => this.#end(), true),
      error: (error) => this.#fail(done, error),
    });
  }

  // Runs a step, which may be a promise.
  #go(done, step, last = false) {
    try {
      this.#rewriting ??= new Rewriting(this.#rules);
      const waiting = step();
      if (waiting === undefined) this.#after(done, last);
      else {
        PromisePrototypeThen(waiting, () => this.#after(done, last), (error) => this.#break(done, error));
      }
    } catch (error) {
      this.#break(done, error);
    }
  }

  #write(bytes, from) {
    for (let at = from; at < bytes.length; at += kPieceBytes) {
      const waiting = this.#rewriting.write(TypedArrayPrototypeSubarray(bytes, at, at + kPieceBytes));
      if (waiting !== undefined) {
        return PromisePrototypeThen(waiting, () => this.#write(bytes, at + kPieceBytes));
      }
    }
    return undefined;
  }

  #end() {
    return this.#rewriting.end();
  }

  #after(done, last) {
    const bytes = this.#rewriting.take();
    if (bytes !== null) byte_enqueue(this.#controller, bytes);
    if (last) {
      this.#rewriting.free();
      byte_close(this.#controller);
    }
    if (last || bytes !== null) done.resolve(undefined);
    else this.#read(done);
  }

  // The rewriter or a handler failed: nobody reads the source any more.
  #break(done, error) {
    this.#rewriting?.free();
    PromisePrototypeThen(PromiseResolve(reader_cancel(this.#reader, error)), undefined, () => {});
    this.#fail(done, error);
  }

  #fail(done, error) {
    byte_error(this.#controller, error);
    done.resolve(undefined);
  }
}

function bytes_of(chunk) {
  if (!ArrayBufferIsView(chunk) && !is_array_buffer(chunk)) {
    throw new TypeError("HTMLRewriter rewrites bodies of bytes.");
  }
  return bytes_copy(chunk);
}

export class HTMLRewriter {
  #rules = [];

  on(selector, handlers) {
    require_args(arguments.length, 2, "on", "HTMLRewriter");
    const rule = {
      __proto__: null, selector: to_dom_string(selector), handlers: read_handlers(handlers, element_handlers),
      names: element_handlers,
    };
    check_selector(rule.selector);
    ArrayPrototypePush(this.#rules, rule);
    return this;
  }

  onDocument(handlers) {
    require_args(arguments.length, 1, "onDocument", "HTMLRewriter");
    ArrayPrototypePush(this.#rules, {
      __proto__: null, selector: null, handlers: read_handlers(handlers, document_handlers),
      names: document_handlers,
    });
    return this;
  }

  transform(response) {
    require_args(arguments.length, 1, "transform", "HTMLRewriter");
    const rules = [];
    for (let i = 0; i < this.#rules.length; i++) ArrayPrototypePush(rules, this.#rules[i]);
    if (!is_response(response)) {
      throw new TypeError("Failed to execute 'transform' on 'HTMLRewriter': parameter 1 is not of type 'Response'.");
    }
    const source = response_stream(response);
    return response_with_body(response, source === null ? null : new Output(rules, source).stream);
  }
}
finish_class(HTMLRewriter, "HTMLRewriter");
