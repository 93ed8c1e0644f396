// MessageChannel and MessagePort (HTML standard, 9.4) within one isolate, and structuredClone with what
// can be transferred besides buffers.
import { ops } from "../base/ops.js";
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  ArrayPrototypePush,
  ArrayPrototypeShift,
  FunctionPrototypeCall,
  Map,
  MapPrototypeGet,
  MapPrototypeHas,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  PromisePrototypeThen,
  PromiseResolve,
  SymbolIterator,
  TypeError,
} from "../base/primordials.js";
import { illegal_constructor, require_args, to_dictionary } from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import { EventTarget, dispatch_event, event_handler } from "../dom/event_target.js";
import { is_array_buffer } from "../fetch/body.js";
import { clone_transferring } from "../structured_clone/structured_clone.js";
import { set_internal_timeout } from "../timers/timers.js";
import { MessageEvent } from "../websocket/events.part.js";
import { move_stream } from "./streams.js";

const { event_current } = ops;

const max_messages = 10000;  // waiting at one port

// What is behind a MessagePort; it moves to another object when that is transferred.
class PortState {
  object;
  other = null;      // the port at the other end
  queue = [];
  started = false;
  closed = false;
  scheduled = false;
}

let port_state;
let detach_port;
let make_port;

export class MessagePort extends EventTarget {
  #p;
  constructor(internal, state) {
    if (internal !== kInternal) throw illegal_constructor();
    super();
    this.#p = state;
    state.object = this;
  }
  postMessage(message, options = undefined) {
    require_args(arguments.length, 1, "postMessage", "MessagePort");
    const from = this.#p;
    const { value, ports } = transfer(message, transfer_list(options), this);
    if (from === null || from.other === null) return;
    const to = from.other;
    if (to.queue.length >= max_messages) {
      throw new DOMException("Too many messages wait at this port.", "QuotaExceededError");
    }
    ArrayPrototypePush(to.queue, { __proto__: null, value, ports });
    schedule(to);
  }
  start() {
    const state = this.#p;
    if (state === null || state.started) return;
    state.started = true;
    schedule(state);
  }
  close() {
    const state = this.#p;
    if (state === null || state.closed) return;
    state.closed = true;
    const { other } = state;
    if (other !== null) other.other = null;
    state.other = null;
  }
  static {
    port_state = (value) =>
      (typeof value === "object" && value !== null && #p in value ? value.#p : undefined);
    // The state, for another object; this one is of no further use.
    detach_port = (port) => {
      const state = port.#p;
      port.#p = null;
      return state;
    };
    make_port = (state) => new MessagePort(kInternal, state);
  }
}
event_handler(MessagePort, "onmessage");
event_handler(MessagePort, "onmessageerror");
// Whoever sets onmessage wants to hear of messages.
const { get, set } = ObjectGetOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
const { start } = MessagePort.prototype;
ObjectDefineProperty(MessagePort.prototype, "onmessage", {
  __proto__: null, enumerable: true, configurable: true, get,
  set(value) {
    FunctionPrototypeCall(set, this, value);
    FunctionPrototypeCall(start, this);
  },
});
finish_class(MessagePort, "MessagePort");

// Messages come in tasks of their own: in an event by way of a timer of it, else after the code that runs.
function schedule(state) {
  if (state.scheduled || !state.started || state.queue.length === 0) return;
  state.scheduled = true;
  const task = () => {
    state.scheduled = false;
    deliver(state);
  };
  if (event_current() === 0) PromisePrototypeThen(PromiseResolve(undefined), task);
  else set_internal_timeout(task, 0);
}

function deliver(state) {
  if (state.closed || !state.started) return;
  const message = ArrayPrototypeShift(state.queue);
  if (message === undefined) return;
  schedule(state);
  dispatch_event(state.object, new MessageEvent("message", {
    __proto__: null, data: message.value, ports: message.ports,
  }));
}

export class MessageChannel {
  #one;
  #two;
  constructor() {
    const one = new PortState();
    const two = new PortState();
    one.other = two;
    two.other = one;
    this.#one = make_port(one);
    this.#two = make_port(two);
  }
  get port1() {
    return this.#one;
  }
  get port2() {
    return this.#two;
  }
}
finish_class(MessageChannel, "MessageChannel");

// postMessage(message, [transferable]) or postMessage(message, {transfer}).
function transfer_list(options) {
  if (options === undefined || options === null) return [];
  if (typeof options !== "object" && typeof options !== "function") {
    throw new TypeError("The options of postMessage are not an object.");
  }
  const items = typeof options[SymbolIterator] === "function" ? options :
    to_dictionary(options, "The options of postMessage").transfer;
  const list = [];
  if (items === undefined) return list;
  if (items === null || typeof items[SymbolIterator] !== "function") {
    throw new TypeError("The transfer option must be a sequence.");
  }
  for (const item of items) ArrayPrototypePush(list, item);
  return list;
}

const clone_error = (message) => new DOMException(message, "DataCloneError");

// Something to be transferred: the object that takes its place, and what moves its insides there once all
// else is cloned.
function mover(item) {
  const state = port_state(item);
  if (state !== undefined) {
    if (state === null) throw clone_error("A MessagePort that has been transferred cannot be transferred.");
    const object = make_port(new PortState());
    return { __proto__: null, object, port: true, move: () => adopt(object, detach_port(item)) };
  }
  const moved = move_stream(item);
  if (moved === null) throw clone_error("The transfer list holds a value that cannot be transferred.");
  return moved;
}

// StructuredSerializeWithTransfer and back: {value, ports}. `source`: the port that sends.
function transfer(value, list, source = undefined) {
  const buffers = [];
  const moved = new Map();
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    if (is_array_buffer(item)) {
      ArrayPrototypePush(buffers, item);
    } else {
      if (item === source) throw clone_error("A MessagePort cannot be transferred through itself.");
      if (MapPrototypeHas(moved, item)) throw clone_error("The transfer list holds a value twice.");
      MapPrototypeSet(moved, item, mover(item));
    }
  }
  const copy = clone_transferring(value, buffers, (object) => MapPrototypeGet(moved, object)?.object);
  const ports = [];
  for (let i = 0; i < list.length; i++) {
    const entry = MapPrototypeGet(moved, list[i]);
    if (entry === undefined) continue;
    entry.move();
    if (entry.port) ArrayPrototypePush(ports, entry.object);
  }
  return { __proto__: null, value: copy, ports };
}

// A port object that was made for a transfer gets the state of the one it stands for.
function adopt(object, state) {
  const own = port_state(object);
  own.other = state.other;
  own.queue = state.queue;
  own.closed = state.closed;
  own.started = false;
  if (own.other !== null) own.other.other = own;
  state.other = null;
}

// structuredClone with a transfer list that does not hold buffers alone.
export const clone_and_transfer = (value, list) => transfer(value, list).value;
