// Queues of chunks with their sizes, and queuing strategies (Streams standard, sections 7 and 8.1).
import { has_flag } from "../base/flags.js";
import { expose_class } from "../base/expose.js";
import { require_new_args } from "../base/webidl.js";
import { ArrayPrototypePush, Error, NumberIsNaN, ObjectDefineProperty, RangeError, TypeError } from "../base/primordials.js";

// First in, first out: pushes at the end, takes from a moving head, cuts the taken part off now and then.
export class Queue {
  #items = [];
  #head = 0;
  get length() {
    return this.#items.length - this.#head;
  }
  push(item) {
    ArrayPrototypePush(this.#items, item);
  }
  peek() {
    return this.#items[this.#head];
  }
  shift() {
    const items = this.#items;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === items.length) {
      items.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > items.length) {
      const rest = [];
      for (let i = this.#head; i < items.length; i++) ArrayPrototypePush(rest, items[i]);
      this.#items = rest;
      this.#head = 0;
    }
    return item;
  }
  clear() {
    this.#items = [];
    this.#head = 0;
  }
}

// "Queue-with-sizes": EnqueueValueWithSize, DequeueValue, PeekQueueValue, ResetQueue.
export class SizedQueue {
  #chunks = new Queue();
  #sizes = new Queue();
  total = 0;
  get length() {
    return this.#chunks.length;
  }
  enqueue(chunk, size) {
    // "If ! IsNonNegativeNumber(size) is false, throw a RangeError. If size is +Infinity, throw…"
    if (typeof size !== "number" || NumberIsNaN(size) || size < 0 || size === Infinity) {
      throw new RangeError("The size of a chunk must be a finite, non-negative number.");
    }
    this.#chunks.push(chunk);
    this.#sizes.push(size);
    this.total += size;
  }
  dequeue() {
    this.total -= this.#sizes.shift();
    if (this.total < 0) this.total = 0;  // rounding
    return this.#chunks.shift();
  }
  peek() {
    return this.#chunks.peek();
  }
  reset() {
    this.#chunks.clear();
    this.#sizes.clear();
    this.total = 0;
  }
}

// --- strategies ---

function init_of(init, name) {
  if (init === undefined || init === null || (typeof init !== "object" && typeof init !== "function")) {
    throw new TypeError(`Failed to construct '${name}': the argument is not an object`);
  }
  const mark = init.highWaterMark;
  if (mark === undefined) {
    throw new TypeError(`Failed to construct '${name}': highWaterMark is missing`);
  }
  return +mark;
}

// One function for all instances, as the standard says ("globalObject's byte length queuing strategy
// size function").
const byte_length_size = { size(chunk) { return chunk.byteLength; } }.size;
const count_size = { size() { return 1; } }.size;
for (const [fn, length] of [[byte_length_size, 1], [count_size, 0]]) {
  ObjectDefineProperty(fn, "length", { __proto__: null, value: length, configurable: true });
}

export class ByteLengthQueuingStrategy {
  #mark;
  constructor(init) {
    require_new_args(arguments.length, 1, "ByteLengthQueuingStrategy");
    this.#mark = init_of(init, "ByteLengthQueuingStrategy");
  }
  get highWaterMark() {
    return this.#mark;
  }
  get size() {
    this.#mark;
    return byte_length_size;
  }
}

export class CountQueuingStrategy {
  #mark;
  constructor(init) {
    require_new_args(arguments.length, 1, "CountQueuingStrategy");
    this.#mark = init_of(init, "CountQueuingStrategy");
  }
  get highWaterMark() {
    return this.#mark;
  }
  get size() {
    this.#mark;
    return count_size;
  }
}

expose_class(ByteLengthQueuingStrategy, "ByteLengthQueuingStrategy");
expose_class(CountQueuingStrategy, "CountQueuingStrategy");

export const size_one = () => 1;

// "ExtractHighWaterMark" and "ExtractSizeAlgorithm" of a strategy dictionary, members read once.
export function read_strategy(strategy) {
  if (strategy === undefined || strategy === null) return { mark: undefined, size: undefined };
  if (typeof strategy !== "object" && typeof strategy !== "function") {
    throw new TypeError("A queuing strategy must be an object");
  }
  let mark = strategy.highWaterMark;
  if (mark !== undefined) mark = +mark;
  const size = strategy.size;
  if (size !== undefined && typeof size !== "function") {
    throw new TypeError("The size of a queuing strategy must be a function");
  }
  return { mark, size };
}

export function high_water_mark(mark, standard) {
  if (mark === undefined) return standard;
  if (NumberIsNaN(mark) || mark < 0) throw new RangeError("A high water mark must be a non-negative number");
  return mark;
}

// Scripts could not make streams of their own before this flag.
export function require_constructors(name) {
  if (has_flag("streams_enable_constructors")) return;
  throw new Error(`To use the new ${name}() constructor, enable the streams_enable_constructors ` +
    "compatibility flag. Refer to the docs for more information: " +
    "https://developers.cloudflare.com/workers/platform/compatibility-dates/#compatibility-flags");
}
