// The global fetch() (Fetch standard, 5.6, as far as a server has it): a request to an origin, its
// redirects, its response.
import { ops } from "../base/ops.js";
import { expose_function } from "../base/expose.js";
import { has_flag } from "../base/flags.js";
import {
  ArrayPrototypePush,
  PromiseReject,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypeError,
} from "../base/primordials.js";
import { require_args } from "../base/webidl.js";
import { load_part } from "../parts/parts.js";
import { signal_abort_reason, signal_add_algorithm, signal_is_aborted } from "../dom/abort.js";
import { acquire_reader, reader_cancel, stream_expected_length } from "../streams/streams.js";
import { parse_url } from "../url/url.js";
import { take_body } from "./body.js";
import { Pump } from "./pump.js";
import { Request, is_request, request_parts } from "./request.js";
import { response_from_origin } from "./response.js";

const { event_current, event_require, request_headers, subrequest_abort, subrequest_drop,
  subrequest_finish, subrequest_head, subrequest_info, subrequest_start, subrequest_writable,
  subrequest_write } = ops;

const max_redirects = 20;

// As SentBody in outbound.cc.
const kNone = 0;
const kWhole = 1;
const kStream = 2;

// The stream of a request's body, to the origin.
class Upload extends Pump {
  message() {
    return "request";
  }
  write(chunk) {
    return subrequest_write(this.id, chunk);
  }
  writable() {
    return subrequest_writable(this.id);
  }
  lost() {
    return new TypeError("Network connection lost.");
  }
  close() {
    subrequest_finish(this.id);
  }
  error(error) {
    subrequest_abort(this.id, error);
  }
}

// The headers that tell of a body that is gone (Fetch standard, "request-body-header name").
function is_body_header(lower) {
  return lower === "content-encoding" || lower === "content-language" ||
    lower === "content-location" || lower === "content-type" || lower === "content-length";
}

function without(list, drop) {
  const kept = [];
  for (let i = 0; i < list.length; i += 3) {
    if (!drop(list[i])) ArrayPrototypePush(kept, list[i], list[i + 1], list[i + 2]);
  }
  return kept;
}

// "scheme://host:port" of a serialised http(s) URL.
function origin_of(url) {
  const start = StringPrototypeIndexOf(url, "//") + 2;
  return StringPrototypeSlice(url, 0, StringPrototypeIndexOf(url, "/", start));
}

// A response's URL has no fragment.
function without_fragment(url) {
  const hash = StringPrototypeIndexOf(url, "#");
  return hash < 0 ? url : StringPrototypeSlice(url, 0, hash);
}

function is_redirect(status) {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

// The URL to fetch. Old Workers took any scheme for http.
function check_scheme(url) {
  if (StringPrototypeStartsWith(url, "http:") || StringPrototypeStartsWith(url, "https:")) return url;
  const rest = has_flag("fetch_refuses_unknown_protocols") ? undefined :
    parse_url("http:" + StringPrototypeSlice(url, StringPrototypeIndexOf(url, ":") + 1));
  if (rest === undefined) throw new TypeError(`Fetch API cannot load: ${url}`);
  return rest;
}

// "HTTP-redirect fetch": changes what is to be sent next.
function follow(parts, status, location) {
  const next = parse_url(location, parts.url);
  if (next === undefined) throw new TypeError(`Invalid URL in the Location header: ${location}`);
  const target = check_scheme(next);
  if (typeof parts.headers === "number") parts.headers = request_headers(parts.headers);
  const to_get = status === 303 ? parts.method !== "GET" && parts.method !== "HEAD" :
    (status === 301 || status === 302) && parts.method === "POST";
  if (to_get) {
    parts.method = "GET";
    parts.sent = { __proto__: null, kind: kNone, value: undefined };
    parts.headers = without(parts.headers, is_body_header);
  } else if (parts.sent.kind > kWhole) {
    throw new TypeError(
      "A request with a one-time-use body (it was initialized from a stream, not a buffer) " +
      "encountered a redirect requiring the body to be retransmitted. To avoid this error in the " +
      "future, construct this request from a buffer-like body initializer.");
  }
  if (origin_of(target) !== origin_of(parts.url) &&
      has_flag("strip_authorization_on_cross_origin_redirect")) {
    parts.headers = without(parts.headers, (lower) => lower === "authorization");
  }
  parts.url = target;
}

function begin(parts) {
  const { sent } = parts;
  const value = sent.kind === kStream ? stream_expected_length(sent.value) : sent.value;
  const id = subrequest_start(parts.method, parts.url, parts.headers, sent.kind, value, parts.raw,
                              parts.how, parts.x);
  if (sent.kind === kStream) new Upload(id, acquire_reader(sent.value)).read();
  return id;
}

// Nobody will read the body of a request that is not sent.
function cancel_sent(sent, reason) {
  if (sent.kind === kStream) reader_cancel(acquire_reader(sent.value), reason);
  return reason;
}

async function send(parts) {
  const { cf, signal } = parts;
  if (cf !== undefined) load_part("fetch/cf_options").warn_of_cf_options(cf);
  parts.sent = parts.body === null ? { __proto__: null, kind: kNone, value: undefined } :
    take_body(parts.body, event_current());
  let id = 0;
  if (signal !== null) {
    if (signal_is_aborted(signal)) throw cancel_sent(parts.sent, signal_abort_reason(signal));
    signal_add_algorithm(signal, () => subrequest_abort(id, signal_abort_reason(signal)));
  }
  if (StringPrototypeStartsWith(parts.url, "data:")) {
    return load_part("fetch/data_url").fetch_data_url(without_fragment(parts.url), parts.method);
  }
  parts.url = check_scheme(parts.url);
  for (let hops = 0; ; hops++) {
    id = begin(parts);
    await subrequest_head(id);
    const info = subrequest_info(id);
    const status = info[0];
    const location = info[3];
    if (parts.redirect !== "follow" || location === null || !is_redirect(status)) {
      return response_from_origin(id, info, without_fragment(parts.url), hops > 0,
                                  parts.raw);
    }
    if (hops === max_redirects) throw new TypeError("Too many redirects.");
    follow(parts, status, location);
    subrequest_drop(id);
  }
}

// The origin's answer to `new WebSocket(url)`: the subrequest, 0 where it is no 101.
async function connect_web_socket(url, protocols) {
  const headers = ["upgrade", "websocket", "Upgrade"];
  if (protocols !== "") {
    ArrayPrototypePush(headers, "sec-websocket-protocol", protocols, "Sec-WebSocket-Protocol");
  }
  const id = subrequest_start("GET", url, headers, kNone, undefined, false);
  await subrequest_head(id);
  if (subrequest_info(id)[0] === 101) return id;
  subrequest_drop(id);
  return 0;
}
export { connect_web_socket };

function fetch(input, init = undefined) {
  try {
    require_args(arguments.length, 1, "fetch", "ServiceWorkerGlobalScope");
    event_require();
    const request = init === undefined && is_request(input) ? input : new Request(input, init);
    return send(request_parts(request));
  } catch (error) {
    return PromiseReject(error);
  }
}

// A service binding's fetch(): how, x name the entrypoint (rpc/stubs.h).
export async function fetch_service(how, x, input, init) {
  require_args(input === undefined ? 0 : 1, 1, "fetch", "Fetcher");
  event_require();
  const request = init === undefined && is_request(input) ? input : new Request(input, init);
  const parts = request_parts(request);
  parts.how = how;
  parts.x = x;
  return await send(parts);
}

expose_function(fetch, "fetch");
export { fetch };
