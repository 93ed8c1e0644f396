// What handlers get of HTMLRewriter: views of a token inside lol-html, which are good until their
// handler is through.
import { finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  ArrayPrototypePush,
  IteratorPrototype,
  FunctionPrototypeCall,
  ObjectSetPrototypeOf,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  TypeError,
} from "../base/primordials.js";
import { illegal_constructor, require_args, to_callback, to_dictionary, to_usv_string } from "../base/webidl.js";
import { body_text, extract_body } from "../fetch/body.js";
import { is_response, response_stream } from "../fetch/response.js";
import { is_readable_stream } from "../streams/streams.js";

const kHtml = 34;  // wasm-bindgen's `true`; the engine's `html` tells it from absence

// The state behind a token's public object.
class Token {
  #work = null;       // content that has to be read first, and what was asked for after it
  live = true;
  attributes = 0;     // how often they were changed
  constructor(engine, kind, pointer) {
    this.engine = engine;
    this.kind = kind;
    this.pointer = pointer;
  }

  end() {
    this.live = false;
    if (!this.engine.broken) this.engine.exports[`__wbg_${this.kind}_free`](this.pointer);
  }

  get(name) {
    return this.engine.call(() => this.engine.exports[`${this.kind}_${name}`](this.pointer));
  }

  // The value that an export gives by reference.
  value(name) {
    return this.engine.take(this.get(name)) ?? null;
  }

  text(name) {
    return this.engine.read_text(this.engine.exports[`${this.kind}_${name}`], this.pointer);
  }

  set(name, text, type = undefined) {
    const { engine, pointer } = this;
    const method = engine.exports[`${this.kind}_${name}`];
    const at = engine.pass(text);
    const bytes = engine.passed_bytes;
    return engine.call(() => type === undefined ? method(pointer, at, bytes) : method(pointer, at, bytes, type));
  }

  // In the order of the handler's calls, although some have to wait for their content.
  act(action) {
    if (this.#work === null) action();
    else ArrayPrototypePush(this.#work, action);
  }

  act_with(stream, action) {
    this.#work ??= [];
    ArrayPrototypePush(this.#work, () =>
      PromisePrototypeThen(body_text(extract_body(stream)), action));
  }

  // Does what had to wait. Undefined where nothing had to.
  finish(from = 0) {
    const work = this.#work;
    if (work === null || from === work.length) return undefined;
    for (let i = from; i < work.length; i++) {
      const waiting = work[i]();
      if (waiting !== undefined) return PromisePrototypeThen(waiting, () => this.finish(i + 1));
    }
    return undefined;
  }
}

function live(token) {
  if (!token.live) {
    throw new TypeError("This content token is no longer valid. Content tokens are only valid during the " +
      "execution of the relevant content handler.");
  }
  return token;
}

// before(content, {html}) and kin.
function insert(token, name, content, options, stream_too = true) {
  const type = to_dictionary(options, "The content options").html ? kHtml : 0;
  let stream = null;
  if (stream_too && typeof content === "object" && content !== null) {
    if (is_readable_stream(content)) stream = content;
    else if (is_response(content)) stream = response_stream(content) ?? "";
  }
  if (stream !== null) {
    token.act_with(stream, (text) => {
      token.set(name, text, type);
    });
    return;
  }
  const text = to_usv_string(content);
  token.act(() => {
    token.set(name, text, type);
  });
}

class AttributesIterator {
  #token;
  #list;
  #changes;
  #at = 0;
  constructor(token, list) {
    this.#token = token;
    this.#list = list;
    this.#changes = token.attributes;
  }
  next() {
    live(this.#token);
    if (this.#changes !== this.#token.attributes) {
      throw new TypeError("The attributes of the element have changed while they were iterated over.");
    }
    if (this.#at >= this.#list.length) return { value: undefined, done: true };
    return { value: this.#list[this.#at++], done: false };
  }
}
ObjectSetPrototypeOf(AttributesIterator.prototype, IteratorPrototype);

class Element {
  #t;
  constructor(internal, token) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#t = token;
  }
  get tagName() {
    return live(this.#t).text("tag_name");
  }
  set tagName(name) {
    live(this.#t).set("set_tag_name", to_usv_string(name));
  }
  get attributes() {
    return new AttributesIterator(live(this.#t), this.#t.value("attributes"));
  }
  get namespaceURI() {
    return live(this.#t).value("namespace_uri");
  }
  get removed() {
    return live(this.#t).get("removed") !== 0;
  }
  getAttribute(name) {
    require_args(arguments.length, 1, "getAttribute", "Element");
    const token = live(this.#t);
    return token.engine.take(token.set("getAttribute", to_usv_string(name))) ?? null;
  }
  hasAttribute(name) {
    require_args(arguments.length, 1, "hasAttribute", "Element");
    return live(this.#t).set("hasAttribute", to_usv_string(name)) !== 0;
  }
  setAttribute(name, value) {
    require_args(arguments.length, 2, "setAttribute", "Element");
    const { engine, pointer } = live(this.#t);
    const name_at = engine.pass(to_usv_string(name));
    const name_bytes = engine.passed_bytes;
    const value_at = engine.pass(to_usv_string(value));
    const value_bytes = engine.passed_bytes;
    this.#t.attributes++;
    engine.call(() =>
      engine.exports.element_setAttribute(pointer, name_at, name_bytes, value_at, value_bytes));
    return this;
  }
  removeAttribute(name) {
    require_args(arguments.length, 1, "removeAttribute", "Element");
    this.#t.attributes++;
    live(this.#t).set("removeAttribute", to_usv_string(name));
    return this;
  }
  before(content, options = undefined) {
    insert(live(this.#t), "before", content, options);
    return this;
  }
  after(content, options = undefined) {
    insert(live(this.#t), "after", content, options);
    return this;
  }
  prepend(content, options = undefined) {
    insert(live(this.#t), "prepend", content, options);
    return this;
  }
  append(content, options = undefined) {
    insert(live(this.#t), "append", content, options);
    return this;
  }
  replace(content, options = undefined) {
    insert(live(this.#t), "replace", content, options);
    return this;
  }
  setInnerContent(content, options = undefined) {
    insert(live(this.#t), "setInnerContent", content, options);
    return this;
  }
  remove() {
    const token = live(this.#t);
    token.act(() => {
      token.get("remove");
    });
    return this;
  }
  removeAndKeepContent() {
    const token = live(this.#t);
    token.act(() => {
      token.get("removeAndKeepContent");
    });
    return this;
  }
  onEndTag(handler) {
    require_args(arguments.length, 1, "onEndTag", "Element");
    to_callback(handler, "The handler of onEndTag");
    const { engine, pointer } = live(this.#t);
    const call = make_handler(engine, handler, this);
    engine.call(() => engine.exports.element_onEndTag(pointer, engine.give(call)));
  }
}

class EndTag {
  #t;
  constructor(internal, token) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#t = token;
  }
  get name() {
    return live(this.#t).text("name");
  }
  set name(name) {
    live(this.#t).set("set_name", to_usv_string(name));
  }
  before(content, options = undefined) {
    insert(live(this.#t), "before", content, options);
    return this;
  }
  after(content, options = undefined) {
    insert(live(this.#t), "after", content, options);
    return this;
  }
  remove() {
    const token = live(this.#t);
    token.act(() => {
      token.get("remove");
    });
    return this;
  }
}

class Comment {
  #t;
  constructor(internal, token) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#t = token;
  }
  get text() {
    return live(this.#t).text("text");
  }
  set text(text) {
    live(this.#t).set("set_text", to_usv_string(text));
  }
  get removed() {
    return live(this.#t).get("removed") !== 0;
  }
  before(content, options = undefined) {
    insert(live(this.#t), "before", content, options, false);
    return this;
  }
  after(content, options = undefined) {
    insert(live(this.#t), "after", content, options, false);
    return this;
  }
  replace(content, options = undefined) {
    insert(live(this.#t), "replace", content, options, false);
    return this;
  }
  remove() {
    live(this.#t).get("remove");
    return this;
  }
}

class Text {
  #t;
  constructor(internal, token) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#t = token;
  }
  get text() {
    return live(this.#t).text("text");
  }
  get lastInTextNode() {
    return live(this.#t).get("last_in_text_node") !== 0;
  }
  get removed() {
    return live(this.#t).get("removed") !== 0;
  }
  before(content, options = undefined) {
    insert(live(this.#t), "before", content, options);
    return this;
  }
  after(content, options = undefined) {
    insert(live(this.#t), "after", content, options);
    return this;
  }
  replace(content, options = undefined) {
    insert(live(this.#t), "replace", content, options);
    return this;
  }
  remove() {
    const token = live(this.#t);
    token.act(() => {
      token.get("remove");
    });
    return this;
  }
}

class Doctype {
  #t;
  constructor(internal, token) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#t = token;
  }
  get name() {
    return live(this.#t).value("name");
  }
  get publicId() {
    return live(this.#t).value("public_id");
  }
  get systemId() {
    return live(this.#t).value("system_id");
  }
}

class DocumentEnd {
  #t;
  constructor(internal, token) {
    if (internal !== kInternal) throw illegal_constructor();
    this.#t = token;
  }
  append(content, options = undefined) {
    insert(live(this.#t), "append", content, options);
    return this;
  }
}

const classes = {
  __proto__: null, element: Element, comment: Comment, textchunk: Text, doctype: Doctype, endtag: EndTag,
  documentend: DocumentEnd,
};
finish_class(Element, "Element");
finish_class(EndTag, "EndTag");
finish_class(Comment, "Comment");
finish_class(Text, "Text");
finish_class(Doctype, "Doctype");
finish_class(DocumentEnd, "DocumentEnd");

const is_thenable = (value) =>
  ((typeof value === "object" && value !== null) || typeof value === "function") &&
  typeof value.then === "function";

// A user's handler as the engine calls it: gives undefined, or the promise that is to be waited for.
export function make_handler(engine, handler, self) {
  return ({ kind, pointer }) => {
    const token = new Token(engine, kind, pointer);
    let waiting;
    try {
      const result = FunctionPrototypeCall(handler, self, new classes[kind](kInternal, token));
      waiting = is_thenable(result) ?
        PromisePrototypeThen(PromiseResolve(result), () => token.finish()) : token.finish();
    } catch (error) {
      token.end();
      throw error;
    }
    if (waiting === undefined) {
      token.end();
      return undefined;
    }
    return PromisePrototypeThen(waiting, () => token.end(), (error) => {
      token.end();
      return PromiseReject(error);
    });
  };
}
