// Response (Fetch standard, 5.5), and how one leaves for the client.
import { ops } from "../base/ops.js";
import { expose_class } from "../base/expose.js";
import { kInternal } from "../base/internal.js";
import { JSONStringify, RangeError, RegExpPrototypeExec, TypeError } from "../base/primordials.js";
import {
  require_args,
  to_dictionary,
  to_dom_string,
  to_unsigned,
  to_usv_string,
} from "../base/webidl.js";
import { acquire_reader, reader_cancel } from "../streams/streams.js";
import { parse_url } from "../url/url.js";
import {
  body_array_buffer,
  body_blob,
  body_bytes,
  body_form_data,
  body_json,
  body_length,
  body_stream,
  body_text,
  body_type,
  clone_body,
  extract_body,
  give_away,
  give_away_subrequest,
  is_unusable,
  is_used,
  rejected_invocation,
  kNoType,
  subrequest_body,
  used_error,
} from "./body.js";
import {
  Headers,
  copy_list,
  headers_list,
  list_from_init,
  list_get,
  list_without,
  response_source,
} from "./headers.js";
import { pump_body } from "./pump.js";
import { is_web_socket, respond_with_socket, socket_of_origin }
  from "../websocket/websocket.js";

const { respond, respond_stream, respond_subrequest } = ops;

function is_null_body_status(status) {
  return status === 101 || status === 204 || status === 205 || status === 304;
}

// The reason phrase: HTAB, SP, visible ASCII and obs-text.
const reason_pattern = /^[\t\x20-\x7e\x80-\xff]*$/;

let is_response;
let send_response;
let response_from_origin;
let response_parts;
let response_of_data;
let response_facts;
let response_stream;
let response_with_body;

export class Response {
  #status = 200;
  #status_text = "";
  #list = null;     // header list; null: none but what the body's type gives
  #headers = null;  // the Headers object, once asked for
  #body = null;
  #type = "default";
  #cf = undefined;
  #url = "";
  #encode_body = "automatic";
  #subrequest = 0;  // of an origin's response: where its headers are
  #redirected = false;
  #socket = null;   // webSocket

  constructor(body = null, init = undefined) {
    if (init !== undefined) this.#take_init(init);
    if (body === null || body === undefined) return;
    if (is_null_body_status(this.#status)) {
      throw new TypeError(
        "Response with null body status (101, 204, 205, or 304) cannot have a body.");
    }
    this.#body = extract_body(body);
    if (this.#list !== null) this.#add_type();
  }

  static {
    is_response = (value) => typeof value === "object" && value !== null && #status in value;
    send_response = (id, response) => response.#send(id);
    // What is sent over RPC. list null: the type of the body alone.
    response_parts = (response) => ({
      __proto__: null,
      status: response.#status,
      status_text: response.#status_text,
      list: response.#headers === null && response.#subrequest === 0 ? response.#list :
        headers_list(response.#headers_object()),
      body: response.#body,
      cf: response.#cf,
      socket: response.#socket,
    });
    // info: as subrequest_info gives it
    // raw: encodeResponseBody was "manual"
    response_from_origin = (subrequest, info, url, redirected, raw) => {
      const response = new Response();
      response.#subrequest = subrequest;
      response.#status = info[0];
      response.#status_text = info[1];
      response.#url = url;
      response.#redirected = redirected;
      if (raw) response.#encode_body = "manual";
      if (info[0] === 101) response.#socket = socket_of_origin(subrequest);
      if (info[2]) {
        response.#body = subrequest_body(subrequest);
        // A body where the status allows none is not shown.
        if (is_null_body_status(info[0])) {
          reader_cancel(acquire_reader(body_stream(response.#body)), undefined);
          response.#body = null;
        }
      }
      return response;
    };
    // The body as a stream, null where there is none; what is used is an error.
    response_stream = (response) => {
      if (is_unusable(response.#body)) throw used_error();
      return response.#body === null ? null : body_stream(response.#body);
    };
    // For who has to decide what to do with it.
    response_facts = (response) => ({
      __proto__: null, status: response.#status,
      type: list_get(headers_list(response.#headers_object()), "content-type") ?? "",
    });
    // The same status and headers with another body.
    response_with_body = (response, stream) => {
      const made = new Response(stream, response);
      if (made.#list !== null) made.#list = list_without(made.#list, "content-length");
      made.#encode_body = response.#encode_body;
      return made;
    };
    // Of a data: URL.
    response_of_data = (bytes, type, url) => {
      const response = new Response(bytes);
      response.#status_text = "OK";
      response.#list = ["content-type", type, "Content-Type"];
      response.#url = url;
      return response;
    };
  }

  #take_init(value) {
    if (typeof value === "object" && value !== null && #status in value) {
      // new Response(body, response): Workers copies the other's fields.
      this.#status = value.#status;
      this.#status_text = value.#status_text;
      this.#list = copy_list(headers_list(value.#headers_object()));
      this.#cf = value.#cf;
      this.#socket = value.#socket;
      return;
    }
    const init = to_dictionary(value, "The Response init");
    const { cf, encodeBody, headers, status, statusText, webSocket } = init;
    if (cf !== undefined) this.#cf = cf;
    if (encodeBody !== undefined) {
      const mode = to_dom_string(encodeBody);
      if (mode !== "automatic" && mode !== "manual") {
        throw new TypeError(`encodeBody: unexpected value: ${mode}`);
      }
      this.#encode_body = mode;
    }
    if (status !== undefined) this.#take_status(status, webSocket);
    if (statusText !== undefined) {
      const text = to_dom_string(statusText);
      if (RegExpPrototypeExec(reason_pattern, text) === null) {
        throw new TypeError("Invalid statusText");
      }
      this.#status_text = text;
    }
    if (headers !== undefined) this.#list = list_from_init(headers);
  }

  #take_status(value, web_socket) {
    const status = to_unsigned(value, 16);
    const with_socket = web_socket !== undefined && web_socket !== null;
    if (with_socket && !is_web_socket(web_socket)) {
      throw new TypeError("Incorrect type for the 'webSocket' field on 'ResponseInit': the " +
        "provided value is not of type 'WebSocket'.");
    }
    if (with_socket && status !== 101) {
      throw new RangeError("Responses with a WebSocket must have status code 101.");
    }
    if (!with_socket && (status < 200 || status > 599)) {
      throw new RangeError(
        "Responses may only be constructed with status codes in the range 200 to " +
        "599, inclusive.");
    }
    this.#status = status;
    if (with_socket) this.#socket = web_socket;
  }

  #add_type() {
    const type = body_type(this.#body);
    if (type === null || list_get(this.#list, "content-type") !== null) return;
    const list = this.#list;
    list[list.length] = "content-type";
    list[list.length] = type;
    list[list.length] = "Content-Type";
  }

  #headers_object() {
    if (this.#headers !== null) return this.#headers;
    if (this.#subrequest !== 0) {
      return (this.#headers = new Headers(kInternal, this.#subrequest, response_source));
    }
    if (this.#list === null) {
      this.#list = [];
      if (this.#body !== null) this.#add_type();
    }
    return (this.#headers = new Headers(kInternal, this.#list));
  }

  // The headers of an origin's response whose body was read on its way (a clone's): decoded.
  #decoded_list() {
    const list = headers_list(this.#headers_object());
    const coding = list_get(list, "content-encoding");
    if (this.#encode_body === "manual" || (coding !== "gzip" && coding !== "br" && coding !== "zstd")) {
      return list;
    }
    return list_without(list, "content-encoding");
  }

  // To the client of event `id`.
  #send(id) {
    if (this.#type === "error") {
      throw new TypeError(
        "Return value from serve handler must not be an error response (like Response.error())");
    }
    if (this.#socket !== null) {
      respond_with_socket(id, this.#socket, headers_list(this.#headers_object()));
      return;
    }
    const body = this.#body;
    if (body !== null && is_unusable(body)) throw used_error();
    const origin = body === null ? this.#subrequest : give_away_subrequest(body);
    if (origin !== 0) {
      const headers = this.#subrequest === origin ? null : headers_list(this.#headers_object());
      const manual = this.#encode_body === "manual";
      respond_subrequest(id, this.#status, this.#status_text, headers, origin, manual);
      return;
    }
    const list = this.#subrequest !== 0 ? this.#decoded_list() : this.#list;
    if (body === null) {
      respond(id, this.#status, this.#status_text, list, kNoType, null);
      return;
    }
    // The stream is made before the body counts as used.
    if (body.source === null && (body.stream !== null || body.event !== id)) body_stream(body);
    // With a list, the list has said what the type is.
    let type = kNoType;
    let headers = list;
    if (list === null) {
      if (typeof body.type === "number") type = body.type;
      else headers = headers_list(this.#headers_object());
    }
    const manual = this.#encode_body === "manual";
    body.used = true;
    if (body.source !== null) {
      respond(id, this.#status, this.#status_text, headers, type, body.source, manual);
    } else if (give_away(body, id)) {
      respond_stream(id, this.#status, this.#status_text, headers, type, undefined, true, manual);
    } else {
      const stream = body_stream(body);
      respond_stream(id, this.#status, this.#status_text, headers, type, body_length(body), false,
        manual);
      pump_body(id, stream);
    }
  }

  static error() {
    const response = new Response();
    response.#type = "error";
    response.#status = 0;
    response.#headers = new Headers(kInternal, [], true);
    response.#list = [];
    return response;
  }

  static redirect(url, status = 302) {
    require_args(arguments.length, 1, "redirect", "Response");
    const href = parse_url(to_usv_string(url));
    if (href === undefined) throw new TypeError("Unable to parse URL in Response.redirect()");
    const code = to_unsigned(status, 16);
    if (code !== 301 && code !== 302 && code !== 303 && code !== 307 && code !== 308) {
      throw new RangeError(`${code} is not a redirect status code.`);
    }
    const response = new Response();
    response.#status = code;
    response.#list = ["location", href, "Location"];
    response.#headers = new Headers(kInternal, response.#list, true);
    return response;
  }

  static json(data, init = undefined) {
    require_args(arguments.length, 1, "json", "Response");
    const text = JSONStringify(data);
    if (text === undefined) throw new TypeError("Value is not JSON serializable");
    const response = new Response();
    if (init !== undefined) response.#take_init(init);
    if (is_null_body_status(response.#status)) {
      throw new TypeError(
        "Response with null body status (101, 204, 205, or 304) cannot have a body.");
    }
    response.#body = extract_body(text);
    response.#body.type = "application/json";
    if (response.#list !== null) response.#add_type();
    return response;
  }

  get status() {
    return this.#status;
  }
  get statusText() {
    return this.#status_text;
  }
  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }
  get headers() {
    return this.#headers_object();
  }
  get type() {
    return this.#type;
  }
  get url() {
    return this.#url;
  }
  get redirected() {
    return this.#redirected;
  }
  get cf() {
    return this.#cf;
  }
  get webSocket() {
    return this.#socket;
  }
  get body() {
    const body = this.#body;
    return body === null ? null : body_stream(body);
  }
  get bodyUsed() {
    return is_used(this.#body);
  }

  clone() {
    const body = this.#body;
    if (is_unusable(body)) throw used_error();
    const copy = new Response();
    copy.#status = this.#status;
    copy.#status_text = this.#status_text;
    copy.#type = this.#type;
    copy.#cf = this.#cf;
    copy.#encode_body = this.#encode_body;
    copy.#subrequest = this.#subrequest;
    copy.#url = this.#url;
    copy.#redirected = this.#redirected;
    copy.#list = this.#list === null ? null : copy_list(this.#list);
    copy.#body = clone_body(body);
    return copy;
  }

  #content_type() {
    return list_get(headers_list(this.#headers_object()), "content-type");
  }

  text() {
    return is_response(this) ? body_text(this.#body) : rejected_invocation();
  }
  json() {
    return is_response(this) ? body_json(this.#body) : rejected_invocation();
  }
  arrayBuffer() {
    return is_response(this) ? body_array_buffer(this.#body) : rejected_invocation();
  }
  bytes() {
    return is_response(this) ? body_bytes(this.#body) : rejected_invocation();
  }
  blob() {
    return is_response(this) ? body_blob(this.#body, this.#content_type()) : rejected_invocation();
  }
  formData() {
    return is_response(this) ? body_form_data(this.#body, this.#content_type()) : rejected_invocation();
  }
}

expose_class(Response, "Response");
export { response_facts, response_stream, response_with_body };
export { is_response, response_from_origin, response_parts, response_of_data, send_response };
