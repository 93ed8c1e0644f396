// Request (Fetch standard, 5.3). An incoming one is made for every event, so it holds no more than
// its id, method and URL until more is asked.
import { ops } from "../base/ops.js";
import { kInternal } from "../base/internal.js";
import { expose_class } from "../base/expose.js";
import { has_flag } from "../base/flags.js";
import {
  Error,
  PromisePrototypeThen,
  RegExpPrototypeExec,
  StringPrototypeToUpperCase,
  TypeError,
} from "../base/primordials.js";
import {
  require_new_args,
  to_byte_string,
  to_dictionary,
  to_dom_string,
  to_usv_string,
} from "../base/webidl.js";
import { is_abort_signal, make_abort_signal, any_signal, signal_abort } from "../dom/abort.js";
import { DOMException } from "../dom/dom_exception.js";
import { parse_url } from "../url/url.js";
import {
  body_array_buffer,
  body_blob,
  body_bytes,
  body_form_data,
  body_json,
  body_stream,
  body_text,
  body_type,
  clone_body,
  extract_body,
  incoming_body,
  is_unusable,
  is_used,
  rejected_invocation,
  used_error,
} from "./body.js";
import {
  Headers,
  copy_list,
  headers_list,
  list_from_init,
  list_get,
  request_source,
} from "./headers.js";

const { event_client_gone, request_cf, request_has_body } = ops;

const token_pattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function normal_method(value) {
  const method = to_byte_string(value);
  if (RegExpPrototypeExec(token_pattern, method) === null) {
    throw new TypeError(`Invalid HTTP method string: ${method}`);
  }
  const upper = StringPrototypeToUpperCase(method);
  switch (upper) {
    case "CONNECT": case "TRACE": case "TRACK":
      throw new TypeError(`HTTP method is not allowed: ${method}`);
    case "DELETE": case "GET": case "HEAD": case "OPTIONS": case "POST": case "PUT":
      return upper;
  }
  return has_flag("upper_case_all_http_methods") ? upper : method;
}

function check_redirect(value) {
  const redirect = to_dom_string(value);
  if (redirect === "follow" || redirect === "manual") return redirect;
  throw new TypeError(
    "Invalid redirect value, must be one of \"follow\" or \"manual\" (\"error\" won't " +
    "be implemented since it does not make sense at the edge; use \"manual\" and check the " +
    "response status code).");
}

function check_cache(value) {
  if (!has_flag("cache_option_enabled")) {
    throw new Error("The 'cache' field on 'RequestInitializerDict' is not implemented.");
  }
  const mode = to_dom_string(value);
  if (mode === "no-store" || (mode === "no-cache" && has_flag("cache_no_cache_enabled"))) return mode;
  throw new TypeError(`Unsupported cache mode: ${mode}`);
}

// The signal of an incoming request: aborted when its client leaves.
function client_signal(event) {
  const signal = make_abort_signal();
  const gone = has_flag("enable_request_signal") ? event_client_gone(event) : undefined;
  if (gone !== undefined) {
    PromisePrototypeThen(gone, () =>
      signal_abort(signal, new DOMException("The client has disconnected", "AbortError")));
  }
  return signal;
}

let is_request;
let request_parts;

export class Request {
  #event = 0;        // of an incoming request; 0 for one that was constructed
  #method;
  #url;
  #list = null;      // header list of a constructed one
  #headers = null;   // the Headers object, once asked for
  #body = undefined; // undefined: of an incoming one, not looked at yet
  #redirect = "manual";
  #signal = null;
  #cf = undefined;
  #cf_event = 0;     // of which event's request cf is, while it is not looked at
  #cache = undefined;
  #raw_response = false;  // encodeResponseBody: "manual"

  constructor(input, init = undefined, method = undefined, url = undefined) {
    if (input === kInternal) {
      this.#event = init;
      this.#method = method;
      this.#url = url;
      return;
    }
    require_new_args(arguments.length, 1, "Request");
    const options = to_dictionary(init, "The Request init");
    this.#body = null;
    this.#redirect = "follow";
    let source = null;
    if (typeof input === "object" && input !== null && #url in input) {
      source = input;
      this.#method = source.#method;
      this.#url = source.#url;
      this.#redirect = source.#redirect;
      this.#take_cf(source);
      this.#cache = source.#cache;
      this.#raw_response = source.#raw_response;
    } else {
      this.#method = "GET";
      this.#url = parse_url(to_usv_string(input)) ?? invalid_url();
    }
    this.#take_options(source, options);
  }

  static {
    is_request = (value) => typeof value === "object" && value !== null && #url in value;
    // What fetch() sends. headers: a list, or the id of the event whose own these are.
    request_parts = (request) => ({
      __proto__: null,
      method: request.#method,
      url: request.#url,
      headers: request.#list ?? request.#event,
      body: request.#own_body(),
      redirect: request.#redirect,
      signal: request.#passed_signal(),
      // Not that of an incoming request, which says what is, not what is to be done.
      cf: request.#event !== 0 || request.#cf_event !== 0 ? undefined : request.#cf,
      raw: request.#raw_response,
    });
  }

  // The order of reading is that of the standard's dictionary: by name.
  #take_options(source, options) {
    const body = options.body;
    const cache = options.cache;
    const cf = options.cf;
    const { encodeResponseBody } = options;
    const headers = options.headers;
    const integrity = options.integrity;
    const method = options.method;
    const redirect = options.redirect;
    const signal = options.signal;
    if (cache !== undefined) this.#cache = check_cache(cache);
    if (cf !== undefined) {
      this.#cf = cf;
      this.#cf_event = 0;
      if (#url in options) this.#take_cf(options);
    }
    if (encodeResponseBody !== undefined) {
      const mode = to_dom_string(encodeResponseBody);
      if (mode !== "automatic" && mode !== "manual") {
        throw new TypeError(`encodeResponseBody: unexpected value: ${mode}`);
      }
      this.#raw_response = mode === "manual";
    }
    if (integrity !== undefined && to_dom_string(integrity) !== "") {
      throw new TypeError(
        "Subrequest integrity checking is not implemented. The \"integrity\" option " +
        "must be either undefined or an empty string.");
    }
    if (method !== undefined) this.#method = normal_method(method);
    if (redirect !== undefined) this.#redirect = check_redirect(redirect);
    this.#take_signal(source, signal);
    this.#list = headers !== undefined ? list_from_init(headers) :
      source !== null ? copy_list(headers_list(source.#headers_object())) : [];
    this.#take_body(source, body);
  }

  #take_signal(source, signal) {
    if (signal !== undefined && signal !== null) {
      if (!is_abort_signal(signal)) {
        throw new TypeError(
          "Failed to construct 'Request': 'signal' is not of type 'AbortSignal'.");
      }
      this.#signal = any_signal([signal]);
    } else if (signal === undefined && source !== null) {
      const passed = source.#passed_signal();
      if (passed !== null) this.#signal = any_signal([passed]);
    }
  }

  // What a request made of this one inherits.
  #passed_signal() {
    if (this.#event === 0) return this.#signal;
    return has_flag("request_signal_passthrough") ? this.signal : null;
  }

  #take_body(source, init) {
    const has_init = init !== undefined && init !== null;
    const inherited = source === null ? null : source.#own_body();
    if ((has_init || (init === undefined && inherited !== null)) &&
        (this.#method === "GET" || this.#method === "HEAD")) {
      throw new TypeError("Request with a GET or HEAD method cannot have a body.");
    }
    if (has_init) {
      const body = extract_body(init);
      this.#body = body;
      const type = body_type(body);
      if (type !== null && list_get(this.#list, "content-type") === null) {
        const list = this.#list;
        list[list.length] = "content-type";
        list[list.length] = type;
        list[list.length] = "Content-Type";
      }
    } else if (init === undefined && inherited !== null) {
      if (is_unusable(inherited)) throw used_error();
      // The body moves to the new request; the old one counts as used.
      this.#body = { ...inherited };
      inherited.used = true;
    }
  }

  #own_body() {
    if (this.#body === undefined) {
      this.#body = request_has_body(this.#event) ? incoming_body(this.#event) : null;
    }
    return this.#body;
  }

  #take_cf(source) {
    this.#cf = source.#cf;
    this.#cf_event = source.#event !== 0 ? source.#event : source.#cf_event;
  }

  #cf_value() {
    const event = this.#event !== 0 ? this.#event : this.#cf_event;
    if (event !== 0 && this.#cf === undefined) this.#cf = request_cf(event);
    return this.#cf;
  }

  #headers_object() {
    return (this.#headers ??= this.#list !== null ?
      new Headers(kInternal, this.#list) : new Headers(kInternal, this.#event, request_source));
  }

  #type() {
    return list_get(headers_list(this.#headers_object()), "content-type");
  }

  get method() {
    return this.#method;
  }
  get url() {
    return this.#url;
  }
  get headers() {
    return this.#headers_object();
  }
  get redirect() {
    return this.#redirect;
  }
  get signal() {
    this.#url;
    return (this.#signal ??= this.#event !== 0 ? client_signal(this.#event) : make_abort_signal());
  }
  get cf() {
    this.#url;
    return this.#cf_value();
  }
  get cache() {
    this.#url;
    return this.#cache;
  }
  get integrity() {
    this.#url;
    return "";
  }
  get keepalive() {
    this.#url;
    return false;
  }
  get fetcher() {
    this.#url;
    return null;
  }
  get body() {
    const body = this.#own_body();
    return body === null ? null : body_stream(body);
  }
  get bodyUsed() {
    return is_used(this.#own_body());
  }

  clone() {
    const body = this.#own_body();
    if (is_unusable(body)) throw used_error();
    const copy = new Request(this.#url, { __proto__: null, method: "GET" });
    copy.#method = this.#method;
    copy.#redirect = this.#redirect;
    copy.#take_cf(this);
    copy.#cache = this.#cache;
    copy.#raw_response = this.#raw_response;
    copy.#list = copy_list(headers_list(this.#headers_object()));
    if (this.#signal !== null) copy.#signal = any_signal([this.#signal]);
    copy.#body = clone_body(body);
    return copy;
  }

  text() {
    return is_request(this) ? body_text(this.#own_body()) : rejected_invocation();
  }
  json() {
    return is_request(this) ? body_json(this.#own_body()) : rejected_invocation();
  }
  arrayBuffer() {
    return is_request(this) ? body_array_buffer(this.#own_body()) : rejected_invocation();
  }
  bytes() {
    return is_request(this) ? body_bytes(this.#own_body()) : rejected_invocation();
  }
  blob() {
    return is_request(this) ? body_blob(this.#own_body(), this.#type()) : rejected_invocation();
  }
  formData() {
    return is_request(this) ? body_form_data(this.#own_body(), this.#type()) : rejected_invocation();
  }
}

function invalid_url() {
  throw new TypeError("Invalid URL");
}

expose_class(Request, "Request");
export { is_request, request_parts };
