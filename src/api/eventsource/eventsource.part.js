// EventSource (HTML standard, 9.2), over fetch() or over a stream that is there already.
import { ops } from "../base/ops.js";
import { expose_constant, finish_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import {
  PromisePrototypeThen,
  PromiseResolve,
  RegExp,
  RegExpPrototypeExec,
  StringFromCharCode,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeToLowerCase,
  TypeError,
  noop,
} from "../base/primordials.js";
import { require_args, require_new_args, to_dictionary, to_usv_string } from "../base/webidl.js";
import { DOMException } from "../dom/dom_exception.js";
import { Event, EventTarget, dispatch_event, event_handler } from "../dom/event_target.js";
import { Decoder, is_buffer_source } from "../encoding/encoding.js";
import { fetch } from "../fetch/fetch.js";
import { Headers } from "../fetch/headers.js";
import { is_response, response_facts, response_stream } from "../fetch/response.js";
import { acquire_reader, is_readable_stream, reader_cancel, reader_read } from "../streams/streams.js";
import { clear_internal_timeout, set_internal_timeout } from "../timers/timers.js";
import { parse_url } from "../url/url.js";
import { MessageEvent } from "../websocket/events.part.js";

const { event_require, utf8_encode } = ops;

const kConnecting = 0;
const kOpen = 1;
const kClosed = 2;

const default_retry_ms = 2000;
const max_retry_ms = 3600000;
const max_line = 16 << 20;  // characters of one line, or of one event's data

const digits = new RegExp("^[0-9]+$");
const event_stream = new RegExp("^text/event-stream[\\t ]*(;|$)");

// The stream's text, taken apart (9.2.6). `sink` has methods message(type, data, id) and retry(ms).
class EventStreamParser {
  #decoder = new Decoder("utf-8", undefined);
  #line = "";
  #after_cr = false;
  #type = "";
  #data = "";
  #has_data = false;
  #sink;
  #id;           // of the event that is being read
  last_id = "";  // of the last event that was complete
  constructor(sink, last_id) {
    this.#sink = sink;
    this.#id = this.last_id = last_id;
  }

  feed(chunk) {
    let text = this.#decoder.decode(chunk, true);
    if (text === "") return;
    if (this.#after_cr && text[0] === "\n") text = StringPrototypeSlice(text, 1);
    this.#after_cr = false;
    let start = 0;
    while (start < text.length) {
      const end = line_end(text, start);
      if (end < 0) break;
      this.#take_line(this.#line + StringPrototypeSlice(text, start, end));
      this.#line = "";
      start = end + 1;
      if (text[end] !== "\r") continue;
      if (start === text.length) this.#after_cr = true;
      else if (text[start] === "\n") start++;
    }
    this.#line += StringPrototypeSlice(text, start);
    if (this.#line.length > max_line) throw new TypeError("A line of the event stream is too long.");
  }

  #take_line(line) {
    if (line === "") {
      this.#dispatch();
      return;
    }
    const colon = StringPrototypeIndexOf(line, ":");
    if (colon === 0) return;
    const field = colon < 0 ? line : StringPrototypeSlice(line, 0, colon);
    let value = colon < 0 ? "" : StringPrototypeSlice(line, colon + 1);
    if (value[0] === " ") value = StringPrototypeSlice(value, 1);
    if (field === "event") {
      this.#type = value;
    } else if (field === "data") {
      this.#data += this.#has_data ? `\n${value}` : value;
      this.#has_data = true;
      if (this.#data.length > max_line) throw new TypeError("An event of the event stream is too long.");
    } else if (field === "id") {
      if (StringPrototypeIndexOf(value, "\0") < 0) this.#id = value;
    } else if (field === "retry" && RegExpPrototypeExec(digits, value) !== null) {
      this.#sink.retry(+value);
    }
  }

  #dispatch() {
    this.last_id = this.#id;
    const type = this.#type;
    const data = this.#data;
    const has_data = this.#has_data;
    this.#type = this.#data = "";
    this.#has_data = false;
    if (has_data) this.#sink.message(type === "" ? "message" : type, data, this.last_id);
  }
}

function line_end(text, start) {
  const lf = StringPrototypeIndexOf(text, "\n", start);
  const cr = StringPrototypeIndexOf(text, "\r", start);
  if (lf < 0) return cr;
  return cr < 0 || lf < cr ? lf : cr;
}

export class EventSource extends EventTarget {
  #url;
  #state = kConnecting;
  #fetcher = undefined;
  #retry = default_retry_ms;
  #timer = 0;
  #reader = null;
  #parser = null;

  constructor(url, options = undefined) {
    if (url === kInternal) {
      super();
      this.#url = "";
      this.#state = kOpen;
      // Whoever made it has yet to add listeners.
      PromisePrototypeThen(PromiseResolve(undefined), () => {
        if (this.#state === kOpen) this.#read(options);
      });
      return;
    }
    require_new_args(arguments.length, 1, "EventSource");
    super();
    const dict = to_dictionary(options, "The options of an EventSource");
    const { fetcher, withCredentials } = dict;
    const href = parse_url(to_usv_string(url));
    if (href === undefined) throw new DOMException("Cannot open an EventSource to an invalid URL.", "SyntaxError");
    if (withCredentials) {
      throw new DOMException("The init.withCredentials option must be false.", "NotSupportedError");
    }
    event_require();
    this.#url = href;
    this.#fetcher = fetcher ?? undefined;
    this.#connect();
  }

  // A source that reads a stream of bytes which is there already; it does not connect again.
  static from(stream) {
    require_args(arguments.length, 1, "from", "EventSource");
    if (!is_readable_stream(stream)) {
      throw new TypeError("Failed to execute 'from' on 'EventSource': parameter 1 is not of type 'ReadableStream'.");
    }
    return new EventSource(kInternal, stream);
  }

  get url() {
    return this.#url;
  }
  get withCredentials() {
    this.#url;
    return false;
  }
  get readyState() {
    return this.#state;
  }
  close() {
    this.#state = kClosed;
    if (this.#timer !== 0) clear_internal_timeout(this.#timer);
    this.#timer = 0;
    this.#stop_reading();
  }

  #stop_reading() {
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) PromisePrototypeThen(reader_cancel(reader, undefined), noop, noop);
  }

  #connect() {
    const headers = { __proto__: null, "accept": "text/event-stream", "cache-control": "no-cache" };
    const last_id = this.#parser === null ? "" : this.#parser.last_id;
    if (last_id !== "") headers["last-event-id"] = header_text(utf8_encode(last_id));
    const init = { __proto__: null, headers: new Headers(headers) };
    const response = this.#fetcher === undefined ? fetch(this.#url, init) : this.#fetcher.fetch(this.#url, init);
    PromisePrototypeThen(PromiseResolve(response), (got) => this.#connected(got), () => this.#reconnect());
  }

  #connected(response) {
    if (!is_response(response)) {
      this.#fail();
      return;
    }
    const stream = response_stream(response);
    if (this.#state === kClosed) {
      if (stream !== null) PromisePrototypeThen(reader_cancel(acquire_reader(stream), undefined), noop, noop);
      return;
    }
    const { status, type } = response_facts(response);
    if (status !== 200 || stream === null ||
        RegExpPrototypeExec(event_stream, StringPrototypeToLowerCase(type)) === null) {
      if (stream !== null) PromisePrototypeThen(reader_cancel(acquire_reader(stream), undefined), noop, noop);
      this.#fail();
      return;
    }
    this.#state = kOpen;
    dispatch_event(this, new Event("open"));
    if (this.#state === kOpen) this.#read(stream);
  }

  #read(stream) {
    this.#reader = acquire_reader(stream);
    this.#parser = new EventStreamParser({
      __proto__: null,
      message: (type, data, lastEventId) => {
        if (this.#state !== kOpen) return;
        dispatch_event(this, new MessageEvent(type, { __proto__: null, data, lastEventId, origin: origin_of(this.#url) }));
      },
      retry: (ms) => {
        this.#retry = ms < max_retry_ms ? ms : max_retry_ms;
      },
    }, this.#parser === null ? "" : this.#parser.last_id);
    this.#next();
  }

  #next() {
    const reader = this.#reader;
    reader_read(reader, {
      __proto__: null,
      chunk: (chunk) => {
        if (this.#reader !== reader) return;
        try {
          if (!is_buffer_source(chunk)) throw new TypeError("An event stream is a stream of bytes.");
          this.#parser.feed(chunk);
        } catch {
          this.#stop_reading();
          this.#fail();
          return;
        }
        if (this.#reader === reader) this.#next();
      },
      close: () => this.#ended(reader),
      error: () => this.#ended(reader),
    });
  }

  #ended(reader) {
    if (this.#reader !== reader) return;
    this.#reader = null;
    if (this.#url === "") this.#fail();
    else this.#reconnect();
  }

  #fail() {
    if (this.#state === kClosed) return;
    this.#state = kClosed;
    dispatch_event(this, new Event("error"));
  }

  #reconnect() {
    if (this.#state === kClosed) return;
    this.#state = kConnecting;
    dispatch_event(this, new Event("error"));
    if (this.#state !== kConnecting) return;
    this.#timer = set_internal_timeout(() => {
      this.#timer = 0;
      this.#connect();
    }, this.#retry);
  }
}

// UTF-8 as a header has it.
function header_text(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += StringFromCharCode(bytes[i]);
  return text;
}

const origin_of = (href) => href === "" ? "" : ops.url_origin(href);

event_handler(EventSource, "onopen");
event_handler(EventSource, "onmessage");
event_handler(EventSource, "onerror");
finish_class(EventSource, "EventSource");
expose_constant(EventSource, "CONNECTING", kConnecting);
expose_constant(EventSource, "OPEN", kOpen);
expose_constant(EventSource, "CLOSED", kClosed);
