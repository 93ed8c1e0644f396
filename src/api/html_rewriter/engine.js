// An instance of lol-html and the calls into it: what wasm-bindgen's glue does, written so that user code
// can neither see nor break it, and Asyncify's unwinding, by which a handler may be a promise. Many
// documents pass through one instance. One that waits for a promise has frames on the stack in the
// instance's memory; so each document has a stack of its own there.
import {
  ArrayPrototypePush,
  ArrayPrototypePop,
  Error,
  PromisePrototypeThen,
  TypeError,
  Uint8Array,
} from "../base/primordials.js";
import { ops } from "../base/ops.js";
import { own_ops } from "../parts/own_ops.js";

const { utf8_encode } = ops;
const { html_rewriter_bytes, html_rewriter_instance, html_rewriter_put, html_rewriter_text } = own_ops;

// Asyncify's states.
const kUnwinding = 1;
const kRewinding = 2;

// Where references to JavaScript values begin; those below are constants of wasm-bindgen.
const kUndefined = 32;
const kNull = 33;
const kTrue = 34;
const kFirst = 36;
const kAbsent = 0xffffff;  // of an optional boolean

const kAsyncStackBytes = 1024;
const kStackBytes = 256 * 1024;

// An instance that has lost so many documents (they failed while they waited) is given up.
const max_lost = 16;

// A handler's promise, on its way through lol-html to the loop in `run`.
class Wait {
  #brand;
  constructor(promise) {
    this.promise = promise;
  }
  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }
}

export class Engine {
  exports;
  #memory;
  #objects = [];
  #free = [];
  #text_bytes = 0;    // of the string that was passed last
  #wait = null;
  #failure = null;    // {error}: what a handler threw
  #stacks = [];       // free ones
  #lost = 0;
  broken = false;     // it trapped

  constructor() {
    for (let i = 0; i < kFirst; i++) ArrayPrototypePush(this.#objects, undefined);
    this.#objects[kNull] = null;
    this.#objects[kTrue] = true;
    this.#objects[kTrue + 1] = false;
    this.exports = html_rewriter_instance({
      __proto__: null, __wbindgen_placeholder__: this.#imports(),
    });
    this.#memory = this.exports.memory;
  }

  // --- references ---

  #add(value) {
    if (value === undefined) return kUndefined;
    if (this.#free.length > 0) {
      const index = ArrayPrototypePop(this.#free);
      this.#objects[index] = value;
      return index;
    }
    ArrayPrototypePush(this.#objects, value);
    return this.#objects.length - 1;
  }

  #drop(index) {
    if (index < kFirst) return;
    this.#objects[index] = undefined;
    ArrayPrototypePush(this.#free, index);
  }

  take(index) {
    const value = this.#objects[index];
    this.#drop(index);
    return value;
  }

  // A reference that the callee owns.
  give(value) {
    return this.#add(value);
  }

  // --- strings and bytes ---

  // Where a string lies, for the callee to free; its length is `passed_bytes`.
  pass(text) {
    return this.pass_bytes(utf8_encode(text));
  }
  pass_bytes(bytes) {
    const length = bytes.length;
    const at = this.exports.__wbindgen_malloc(length);
    html_rewriter_put(this.#memory, at, bytes);
    this.#text_bytes = length;
    return at;
  }
  get passed_bytes() {
    return this.#text_bytes;
  }

  text_at(at, length) {
    return html_rewriter_text(this.#memory, at >>> 0, length >>> 0);
  }

  // A string that `getter(result address, pointer)` gives.
  read_text(getter, pointer) {
    const at = this.exports.__wbindgen_add_to_stack_pointer(-16);
    getter(at, pointer);
    const words = html_rewriter_bytes(this.#memory, at, 8);
    const word = (i) => (words[i] | words[i + 1] << 8 | words[i + 2] << 16 | words[i + 3] << 24) >>> 0;
    this.exports.__wbindgen_add_to_stack_pointer(16);
    const text = this.text_at(word(0), word(4));
    this.exports.__wbindgen_free(word(0), word(4));
    return text;
  }

  #write_words(at, first, second) {
    const bytes = new Uint8Array(8);
    for (let i = 0; i < 4; i++) {
      bytes[i] = first >>> (8 * i);
      bytes[i + 4] = second >>> (8 * i);
    }
    html_rewriter_put(this.#memory, at, bytes);
  }

  // --- calls ---

  // Calls an export that runs no handler. What it throws passes by the code that gives stack back.
  call(fn) {
    const { __wbindgen_add_to_stack_pointer: move } = this.exports;
    const before = move(0);
    try {
      return fn();
    } catch (error) {
      move(before - move(0));
      throw error;
    }
  }

  get worn_out() {
    return this.broken || this.#lost >= max_lost;
  }

  // A document's stack: the address of its lower end.
  take_stack() {
    return ArrayPrototypePop(this.#stacks) ?? this.exports.__wbindgen_malloc(kStackBytes);
  }
  return_stack(stack) {
    ArrayPrototypePush(this.#stacks, stack);
  }
  // A document's frames will never be left: it keeps what it has.
  lose() {
    this.#lost++;
  }

  // Calls an export that may run handlers, on a stack. Undefined when it is through, else a promise.
  run(call, stack) {
    return this.#advance(call, stack + kStackBytes, 0);
  }

  // rewind: the address of what Asyncify has kept; 0: the call begins.
  #advance(call, top, rewind) {
    if (this.broken) throw new Error("The HTML could not be rewritten: the rewriter failed before.");
    const { exports } = this;
    const { __wbindgen_add_to_stack_pointer: move } = exports;
    const outer_top = move(0);
    const outer_failure = this.#failure;
    this.#failure = null;
    move(top - outer_top);
    try {
      if (rewind !== 0) exports.asyncify_start_rewind(rewind);
      call();
      if (exports.asyncify_get_state() !== kUnwinding) return undefined;
      exports.asyncify_stop_unwind();
      const { promise, stack } = this.#wait;
      this.#wait = null;
      const paused_top = move(0);
      return PromisePrototypeThen(promise, () => this.#advance(call, paused_top, stack));
    } catch (error) {
      if (this.#failure !== null) throw this.#failure.error;
      if (!(error instanceof TypeError)) this.broken = true;
      throw engine_error(error);
    } finally {
      move(outer_top - move(0));
      this.#failure = outer_failure;
    }
  }

  #await(stack, index) {
    const { exports } = this;
    if (exports.asyncify_get_state() === kRewinding) {
      exports.asyncify_stop_rewind();
      return;
    }
    this.#write_words(stack, stack + 8, stack + kAsyncStackBytes);
    exports.asyncify_start_unwind(stack);
    this.#wait = { __proto__: null, promise: this.#objects[index].promise, stack };
  }

  // A handler, or the sink, as a function of ours: what it throws comes out of `run`.
  #call(index, argument) {
    try {
      const promise = this.#objects[index](this.#objects[argument]);
      return this.#add(promise === undefined ? undefined : new Wait(promise));
    } catch (error) {
      this.#failure ??= { __proto__: null, error };
      this.exports.__wbindgen_exn_store(this.#add(error));
      return 0;
    }
  }

  #imports() {
    const member = (name) => (index) => {
      const value = this.#objects[index][name];
      return value === undefined ? 0 : this.#add(value);
    };
    const token = (kind) => (pointer) => this.#add({ __proto__: null, kind, pointer });
    const describe = (at) => {
      const start = this.pass("an exception of a handler");
      this.#write_words(at, start, this.#text_bytes);
    };
    return {
      __proto__: null,
      __wbindgen_object_drop_ref: (index) => this.#drop(index),
      __wbindgen_object_clone_ref: (index) => this.#add(this.#objects[index]),
      __wbindgen_string_new: (at, length) => this.#add(this.text_at(at, length)),
      __wbindgen_memory: () => this.#add(this.#memory),
      __wbindgen_throw: (at, length) => {
        throw new Error(this.text_at(at, length));
      },
      __wbindgen_rethrow: (index) => {
        throw this.take(index);
      },
      __wbindgen_debug_string: describe,
      __wbg_String_60c4ba333b5ca1c6: describe,
      __wbg_html_cd9a0f328493678b: (index) => this.#objects[index] === true ? 1 : 0,
      __wbg_enableEsiTags_de6b91cc61a25874: () => kAbsent,
      __wbg_awaitPromise_39a1101fd8518869: (stack, index) => this.#await(stack, index),
      __wbg_instanceof_Promise_c6535fc791fcc4d2: (index) =>
        Wait.is(this.#objects[index]) ? 1 : 0,
      __wbg_call_6c4ea719458624eb: (index, self, argument) => this.#call(index, argument),
      __wbg_element_c38470ed972aea27: member("element"),
      __wbg_comments_ba86bc03331d9378: member("comments"),
      __wbg_text_7800bf26cb443911: member("text"),
      __wbg_doctype_ac58c0964a59b61b: member("doctype"),
      __wbg_comments_94d876f6c0502e82: member("comments"),
      __wbg_text_4606a16c30e4ae91: member("text"),
      __wbg_end_34efb9402eac8a4e: member("end"),
      __wbg_element_new: token("element"),
      __wbg_comment_new: token("comment"),
      __wbg_textchunk_new: token("textchunk"),
      __wbg_doctype_new: token("doctype"),
      __wbg_endtag_new: token("endtag"),
      __wbg_documentend_new: token("documentend"),
      __wbg_new_4fee7e2900033464: () => this.#add([]),
      __wbg_push_ba9b5e3c25cff8f9: (list, item) =>
        ArrayPrototypePush(this.#objects[list], this.#objects[item]),
      __wbg_new_917809a3e20a4b00: (at, length) => this.#add(new TypeError(this.text_at(at, length))),
      // A view of the memory, and its copy: what the sink gets.
      __wbg_buffer_89a8560ab6a3d9c6: () => kUndefined,
      __wbg_newwithbyteoffsetandlength_e45d8b33c02dc3b5: (buffer, at, length) =>
        this.#add(html_rewriter_bytes(this.#memory, at >>> 0, length >>> 0)),
      __wbg_new_bd2e1d010adb8a1a: (index) => this.#add(this.#objects[index]),
    };
  }
}

// What lol-html itself has to say, and what V8 says of a trap.
function engine_error(error) {
  return error instanceof TypeError ? error : new Error("The HTML could not be rewritten: " + error.message);
}
