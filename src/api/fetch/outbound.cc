// Ops of subrequests: what fetch/fetch.js asks of Subrequest. Ids come from JavaScript and are
// checked here: they must be of a subrequest of the current event.
#include <ada.h>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/fetch/head_maker.h"
#include "api/fetch/subrequest.h"
#include "api/rpc/service_fetch.h"
#include "api/rpc/stubs.h"
#include "api/runtime_impl.h"
#include "base/limits_fetch.h"
#include "base/limits_rpc.h"
#include "net/headers.h"
#include "net/websocket/handshake.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// What a subrequest accepts where its Worker does not say: all that we decode.
constexpr std::string_view kAcceptEncoding = "gzip, br, zstd";
constexpr std::string_view kOldAcceptEncoding = "gzip";  // without brotli_content_encoding

uint32_t id_argument(const Info& info, int index) {
  return info[index]->IsUint32() ? info[index].As<v8::Uint32>()->Value() : 0;
}

Subrequest* find_subrequest(const Info& info, int index = 0) {
  return static_cast<Subrequest*>(
      find_resource(info.GetIsolate(), id_argument(info, index), Resource::Kind::subrequest));
}

// Throws Workers' error for one of another event.
Subrequest* own_subrequest(const Info& info, int index = 0) {
  return static_cast<Subrequest*>(require_own_resource(info.GetIsolate(), id_argument(info, index),
                                                       Resource::Kind::subrequest));
}

// How the body of a request comes, as in fetch/fetch.js.
enum class SentBody : uint32_t { none, whole, stream, event };

struct Url {
  bool parse(std::string_view href, net::ClientRequest& request) {
    auto parsed = ada::parse<ada::url_aggregator>(href);
    if (!parsed || parsed->has_credentials()) return false;
    request.secure = parsed->get_protocol() == "https:";
    host = parsed->get_hostname();
    authority = parsed->get_host();
    target = parsed->get_pathname();
    target += parsed->get_search();
    const std::string_view port = parsed->get_port();
    request.port = request.secure ? 443 : 80;
    if (!port.empty()) request.port = static_cast<uint16_t>(std::stoi(std::string(port)));
    request.host = host;
    request.authority = authority;
    request.target = target;
    return true;
  }
  std::string host, authority, target;
};

// The last to add to `headers`, which `request` refers to from now on.
void complete_headers(std::vector<net::Header>& headers, net::ClientRequest& request,
                      std::string& websocket_key, bool brotli) {
  const std::string_view upgrade = net::header_value(headers, "upgrade");
  if (net::equals_ignore_case(upgrade, "websocket")) {
    request.upgrade = "websocket";
    net::websocket::add_client_headers(headers, websocket_key);
  }
  if (net::find_header(headers, "accept-encoding") == nullptr) {
    headers.push_back(
        {.name = "Accept-Encoding", .value = brotli ? kAcceptEncoding : kOldAcceptEncoding});
  }
  request.headers = headers;
}

// The headers of a request: a list, or the id of the event whose own headers are sent on.
bool take_headers(const Info& info, HeadMaker& maker, std::vector<net::Header>*& headers) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!info[2]->IsUint32()) {
    if (!maker.add_list(isolate->GetCurrentContext(), info[2])) return false;
    headers = &maker.headers();
    return true;
  }
  Event* source = find_event(isolate, id_argument(info, 2));
  if (!source || !source->has_head()) {
    throw_error(isolate, kContextEndedMessage);
    return false;
  }
  headers = &maker.headers();
  headers->assign(source->request_headers().begin(), source->request_headers().end());
  return true;
}

// What an event fetches belongs to the trace that its request came with, unless the Worker says
// otherwise. The texts are in `trace`.
void add_trace(Event& event, std::vector<net::Header>& headers, FetchChannel::Trace& trace) {
  if (!event.channel() || net::find_header(headers, "traceparent") != nullptr) return;
  trace = event.channel()->trace();
  if (trace.parent.empty()) return;
  headers.push_back({.name = "traceparent", .value = trace.parent});
  if (!trace.state.empty() && net::find_header(headers, "tracestate") == nullptr) {
    headers.push_back({.name = "tracestate", .value = trace.state});
  }
}

// A service binding's way out, named as CapabilitySource in rpc/stubs.h.
bool take_service(const Info& info, Event& event, std::optional<ServiceClient>& out) {
  v8::Isolate* isolate = info.GetIsolate();
  std::shared_ptr<Capability> target;
  if (!take_capability(isolate, isolate->GetCurrentContext(), info[6], info[7]).To(&target)) {
    return false;
  }
  if (!target->is_entrypoint()) {
    throw_type_error(isolate, "Illegal invocation");
    return false;
  }
  if (event.depth >= limits::kNestedWorkerCalls) {
    throw_error(isolate, kTooDeepMessage);
    return false;
  }
  out.emplace(event, std::static_pointer_cast<EntrypointCapability>(std::move(target)));
  return true;
}

// subrequest_start(method, url, headers, body_kind, body, raw, how, x) -> id. how, x: a service;
// undefined: the network. headers: a flat list, or an
// event's id. body: by its kind a string or bytes; the length of a stream, or undefined. raw: the
// response's body is not decoded.
void subrequest_start(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = require_event(isolate);
  if (!event) return;
  net::HttpClient* client = event->runtime().host.http_client();
  std::optional<ServiceClient> service;
  if (!info[6]->IsUndefined()) {
    if (!take_service(info, *event, service)) return;
    client = &*service;
  }
  if (!client) return throw_error(isolate, "This worker is not permitted to access the internet.");
  if (event->subrequests >= event->runtime().options.subrequests) {
    return throw_error(isolate, "Too many subrequests.");
  }
  net::ClientRequest request;
  Url url;
  const std::string method = to_utf8(isolate, info[0]);
  if (!url.parse(to_utf8(isolate, info[1]), request)) {
    return throw_type_error(isolate, "Fetch API cannot load a URL with credentials.");
  }
  request.method = method;
  HeadMaker maker(event->runtime(), isolate);
  std::vector<net::Header>* headers = nullptr;
  if (!take_headers(info, maker, headers)) return;
  FetchChannel::Trace trace;
  add_trace(*event, *headers, trace);
  std::string websocket_key;
  request.headers = *headers;
  if (!service) {
    complete_headers(*headers, request, websocket_key,
                     event->runtime().has_flag("brotli_content_encoding"));
  }

  const auto kind = static_cast<SentBody>(id_argument(info, 3));
  std::string text;
  request.has_body = kind != SentBody::none;
  if (kind == SentBody::whole) {
    std::span<uint8_t> bytes;
    if (info[4]->IsString()) {
      text = to_utf8(isolate, info[4]);
      request.body = text;
    } else if (bytes_of(info[4], bytes)) {
      request.body = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    request.content_length = request.body.size();
  } else if (kind == SentBody::stream) {
    request.body_complete = false;
    if (info[4]->IsNumber()) {
      request.content_length = static_cast<uint64_t>(info[4].As<v8::Number>()->Value());
    }
  } else if (kind == SentBody::event) {
    request.body_complete = false;
    if (event->channel()) request.content_length = event->channel()->body_length();
  }
  event->subrequests++;
  auto& subrequest = static_cast<Subrequest&>(event->adopt(std::make_unique<Subrequest>(*event)));
  subrequest.raw = info[5]->IsTrue();
  subrequest.websocket_key = websocket_key;
  subrequest.start(*client, request);
  if (kind == SentBody::event && !subrequest.take_event_body()) subrequest.finish();
  info.GetReturnValue().Set(subrequest.id());
}

// subrequest_head(id) -> promise, fulfilled when the response's head is there
void subrequest_head(const Info& info) {
  if (Subrequest* own = own_subrequest(info)) {
    info.GetReturnValue().Set(own->when_head(info.GetIsolate()->GetCurrentContext()));
  }
}

// subrequest_info(id) -> [status, status_text, has_body, location or null]
void subrequest_info(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Subrequest* own = own_subrequest(info);
  if (!own) return;
  const net::ClientResponseHead& head = own->head();
  const net::Header* location = net::find_header(head.headers, "location");
  v8::Local<v8::Value> items[] = {
      v8::Integer::New(isolate, head.status), js_latin1(isolate, head.status_text),
      v8::Boolean::New(isolate, head.has_body),
      location ? v8::Local<v8::Value>(js_text(isolate, location->value)) : v8::Null(isolate)};
  info.GetReturnValue().Set(v8::Array::New(isolate, items, std::size(items)));
}

// subrequest_header(id, lower_name) -> combined value, or null
void subrequest_header(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Subrequest* found = find_subrequest(info);
  if (!found) return throw_error(isolate, kContextEndedMessage);
  v8::Local<v8::Value> value;
  if (combined_header(isolate, found->head().headers, to_utf8(isolate, info[1])).ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

// subrequest_headers(id) -> [lower, value, name, ...]
void subrequest_headers(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Subrequest* found = find_subrequest(info);
  if (!found) return throw_error(isolate, kContextEndedMessage);
  info.GetReturnValue().Set(flat_headers(isolate, found->head().headers));
}

// subrequest_read(id, kind) -> promise; kind as BodyRead
void subrequest_read(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const uint32_t kind = id_argument(info, 1);
  if (kind > static_cast<uint32_t>(BodyRead::bytes)) return throw_type_error(isolate, "bad read");
  Subrequest* own = own_subrequest(info);
  v8::Local<v8::Promise> promise;
  if (own &&
      own->read(isolate->GetCurrentContext(), static_cast<BodyRead>(kind)).ToLocal(&promise)) {
    info.GetReturnValue().Set(promise);
  }
}

// subrequest_take(id) -> Uint8Array, after subrequest_read(id, chunk) gave true
void subrequest_take(const Info& info) {
  Subrequest* found = find_subrequest(info);
  v8::Local<v8::Uint8Array> chunk;
  if (found && to_uint8_array(info.GetIsolate(), found->take_chunk()).ToLocal(&chunk)) {
    info.GetReturnValue().Set(chunk);
  }
}

// subrequest_cancel(id): nobody wants the body
void subrequest_cancel(const Info& info) {
  if (Subrequest* found = find_subrequest(info)) found->cancel_body();
}

// subrequest_drop(id): nothing of it is asked for any more
void subrequest_drop(const Info& info) {
  if (Subrequest* found = find_subrequest(info)) found->event().drop(*found);
}

// subrequest_abort(id, reason)
void subrequest_abort(const Info& info) {
  if (Subrequest* found = find_subrequest(info)) {
    found->abort(info.GetIsolate()->GetCurrentContext(), info[1]);
  }
}

// subrequest_write(id, bytes) -> 1: go on, 0: wait for subrequest_writable, -1: nobody reads it
void subrequest_write(const Info& info) {
  Subrequest* found = find_subrequest(info);
  std::span<uint8_t> bytes;
  if (!found || !found->open() || !bytes_of(info[1], bytes)) return info.GetReturnValue().Set(-1);
  const bool more = found->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  info.GetReturnValue().Set(more ? 1 : 0);
}

// subrequest_writable(id) -> promise of whether somebody still reads
void subrequest_writable(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  if (Subrequest* found = find_subrequest(info)) {
    info.GetReturnValue().Set(found->when_writable(context));
    return;
  }
  auto resolver = v8::Promise::Resolver::New(context).ToLocalChecked();
  (void)resolver->Resolve(context, v8::False(isolate));
  info.GetReturnValue().Set(resolver->GetPromise());
}

// subrequest_finish(id): the request's body is complete
void subrequest_finish(const Info& info) {
  if (Subrequest* found = find_subrequest(info)) found->finish();
}

// ---- a response passed on
// --------------------------------------------------------------------------------

// RFC 9110 12.5.3, as far as it matters here: whether the client named the coding (and did not
// refuse it).
bool client_accepts(Event& event, std::string_view coding) {
  for (const net::Header& header : event.request_headers()) {
    if (!net::equals_ignore_case(header.name, "accept-encoding")) continue;
    std::string_view list = header.value;
    while (!list.empty()) {
      const size_t comma = std::min(list.find(','), list.size());
      const std::string_view item = net::trim_whitespace(list.substr(0, comma));
      list.remove_prefix(std::min(comma + 1, list.size()));
      const size_t semicolon = std::min(item.find(';'), item.size());
      if (!net::equals_ignore_case(net::trim_whitespace(item.substr(0, semicolon)), coding)) {
        continue;
      }
      const std::string_view weight =
          net::trim_whitespace(item.substr(std::min(semicolon + 1, item.size())));
      return weight.find_first_of("123456789") != std::string_view::npos || weight.empty();
    }
  }
  return false;
}

// Whether the body goes to the client decoded: what is coded stays so where the response still says
// which coding it is and the client takes that.
bool must_decode(Event& event, const Subrequest& subrequest, std::span<const net::Header> headers,
                 bool manual) {
  if (!subrequest.coding() || *subrequest.coding() == net::Coding::identity) return false;
  const std::string_view said = net::header_value(headers, "content-encoding");
  if (net::coding_named(said) != subrequest.coding()) return true;
  return !manual && !client_accepts(event, said);
}

// respond_subrequest(event_id, status, status_text, headers or null, subrequest_id, manual): the
// response is a subrequest's, its body untouched. headers null: also its headers.
void respond_subrequest(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = find_event(isolate, id_argument(info, 0));
  if (!event || event->response_started()) return;
  Subrequest* subrequest = find_subrequest(info, 4);
  if (!subrequest) return throw_error(isolate, kContextEndedMessage);
  if (&subrequest->event() != event) return throw_error(isolate, kCrossRequestMessage);
  HeadMaker maker(event->runtime(), isolate);
  if (!maker.add_list(isolate->GetCurrentContext(), info[3])) return;
  const std::string status_text = to_utf8(isolate, info[2]);
  net::ResponseHead head = maker.head(static_cast<int>(id_argument(info, 1)), status_text, 0);
  const net::ClientResponseHead& origin = subrequest->head();
  if (info[3]->IsNull()) head.headers = origin.headers;
  if (!origin.has_body) {
    // HEAD and 304 have a length and no body.
    const bool to_head = event->channel() && event->channel()->method() == "HEAD";
    head.content_length = to_head || head.status == 304 ? origin.content_length : 0;
    event->respond(head, {}, true);
    subrequest->cancel_body();
    return;
  }
  if (!must_decode(*event, *subrequest, head.headers, info[5]->IsTrue())) {
    head.content_length = origin.content_length;
    return subrequest->pass_to_client(head, false);
  }
  std::vector<net::Header> kept(head.headers.begin(), head.headers.end());
  std::erase_if(kept, [](const net::Header& header) {
    return net::equals_ignore_case(header.name, "content-encoding");
  });
  head.headers = kept;
  subrequest->pass_to_client(head, true);
}

}  // namespace

std::span<const Op> outbound_ops() {
  static constexpr Op ops[] = {
      {"subrequest_start", subrequest_start},     {"subrequest_head", subrequest_head},
      {"subrequest_info", subrequest_info},       {"subrequest_header", subrequest_header},
      {"subrequest_headers", subrequest_headers}, {"subrequest_read", subrequest_read},
      {"subrequest_take", subrequest_take},       {"subrequest_cancel", subrequest_cancel},
      {"subrequest_drop", subrequest_drop},       {"subrequest_abort", subrequest_abort},
      {"subrequest_write", subrequest_write},     {"subrequest_writable", subrequest_writable},
      {"subrequest_finish", subrequest_finish},   {"respond_subrequest", respond_subrequest},
  };
  return ops;
}

}  // namespace skep::api
