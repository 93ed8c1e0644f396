// Ops of WebSockets. Ids come from JavaScript and are checked: a socket is used by the event that
// made it.
#include <algorithm>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/fetch/head_maker.h"
#include "api/fetch/subrequest.h"
#include "api/runtime_impl.h"
#include "api/websocket/socket.h"
#include "base/limits_websocket.h"
#include "net/headers.h"
#include "net/websocket/handshake.h"

namespace skep::api {
namespace {

namespace websocket = net::websocket;
using Info = v8::FunctionCallbackInfo<v8::Value>;

uint32_t id_argument(const Info& info, int index) {
  return info[index]->IsUint32() ? info[index].As<v8::Uint32>()->Value() : 0;
}

WebSocketResource* find_socket(const Info& info) {
  return static_cast<WebSocketResource*>(
      find_resource(info.GetIsolate(), id_argument(info, 0), Resource::Kind::web_socket));
}

bool compresses(Event& event) {
  return event.runtime().has_flag("web_socket_compression");
}

void refuse(Event& event, int status) {
  const net::Header version{.name = "Sec-WebSocket-Version", .value = "13"};
  net::ResponseHead head{.status = status, .status_text = {}, .headers = {}, .content_length = 0};
  if (status == 426) head.headers = std::span(&version, 1);
  event.respond(head, {}, true);
}

// web_socket_respond(event_id, headers, object) -> [id, extensions] of the socket that the client's
// connection becomes; undefined where the request's handshake was refused.
void web_socket_respond(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = find_event(isolate, id_argument(info, 0));
  if (!event || event->response_started() || !info[2]->IsObject()) return;
  const auto kind =
      event->channel() ? event->channel()->upgrade_kind() : FetchChannel::Upgrade::none;
  if (kind == FetchChannel::Upgrade::none ||
      !websocket::asks_for_websocket(event->request_headers())) {
    return throw_type_error(isolate,
                            "Worker tried to return WebSocket in a response to a request which did "
                            "not contain the header \"Upgrade: websocket\".");
  }
  if (event->runtime().web_sockets >= limits::kWebSocketsPerIsolate) return refuse(*event, 503);
  const bool keyed = kind == FetchChannel::Upgrade::keyed;
  websocket::ServerHandshake answer =
      websocket::answer_handshake(event->request_headers(), compresses(*event), keyed);
  if (answer.status != 101) return refuse(*event, answer.status);
  HeadMaker maker(event->runtime(), isolate);
  if (!maker.add_list(isolate->GetCurrentContext(), info[1])) return;
  net::ResponseHead head = maker.head(101, {}, 0);
  std::vector<net::Header> headers(head.headers.begin(), head.headers.end());
  std::erase_if(headers,
                [](const net::Header& own) { return websocket::is_handshake_header(own.name); });
  headers.push_back({.name = "Upgrade", .value = "websocket"});
  if (keyed) headers.push_back({.name = "Sec-WebSocket-Accept", .value = answer.accept});
  if (answer.deflate) {
    headers.push_back({.name = "Sec-WebSocket-Extensions", .value = answer.extensions});
  }
  head.headers = headers;
  const websocket::SessionOptions options{.role = websocket::Role::server,
                                          .deflate = answer.deflate,
                                          .most_bytes = limits::kWebSocketMessageBytes};
  auto& socket = static_cast<WebSocketResource&>(
      event->adopt(std::make_unique<WebSocketResource>(*event, info[2].As<v8::Object>(), options)));
  event->respond_upgrade(head, socket);
  v8::Local<v8::Value> items[] = {v8::Integer::NewFromUnsigned(isolate, socket.id()),
                                  js_latin1(isolate, answer.extensions)};
  info.GetReturnValue().Set(v8::Array::New(isolate, items, std::size(items)));
}

// web_socket_take(subrequest_id, object) -> [id, protocol, extensions]: the connection of an
// origin's response 101. Throws where the origin's handshake is wrong (RFC 6455, 4.1).
void web_socket_take(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* subrequest = static_cast<Subrequest*>(
      require_own_resource(isolate, id_argument(info, 0), Resource::Kind::subrequest));
  if (!subrequest || !info[1]->IsObject()) return;
  const auto headers = subrequest->head().headers;
  websocket::SessionOptions options{
      .role = websocket::Role::client, .deflate = {}, .most_bytes = limits::kWebSocketMessageBytes};
  const std::string_view extensions = net::header_value(headers, "sec-websocket-extensions");
  if (net::header_value(headers, "sec-websocket-accept") !=
          websocket::accept_value(subrequest->websocket_key) ||
      !websocket::accept_deflate(extensions, options.deflate)) {
    return throw_error(isolate, "The server's WebSocket handshake is not valid.");
  }
  auto upgraded = subrequest->upgrade();
  if (!upgraded) return throw_error(isolate, kConnectionLost);
  Event& event = subrequest->event();
  auto& socket = static_cast<WebSocketResource&>(
      event.adopt(std::make_unique<WebSocketResource>(event, info[1].As<v8::Object>(), options)));
  socket.start(std::move(upgraded));
  v8::Local<v8::Value> items[] = {
      v8::Integer::NewFromUnsigned(isolate, socket.id()),
      js_latin1(isolate, net::header_value(headers, "sec-websocket-protocol")),
      js_latin1(isolate, extensions)};
  info.GetReturnValue().Set(v8::Array::New(isolate, items, std::size(items)));
}

// web_socket_accept(id, half_open)
void web_socket_accept(const Info& info) {
  if (WebSocketResource* socket = find_socket(info)) socket->accept(info[1]->IsTrue());
}

// web_socket_send(id, string or bytes): nothing happens when the socket is over.
void web_socket_send(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  WebSocketResource* socket = find_socket(info);
  if (!socket) return;
  if (info[1]->IsString()) {
    std::string text;
    append_utf8(isolate, info[1].As<v8::String>(), text);
    socket->send(true, text);
    return;
  }
  std::span<uint8_t> bytes;
  if (!bytes_of(info[1], bytes)) return throw_type_error(isolate, "not bytes");
  socket->send(false, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// web_socket_close(id, code, reason): code 1005: none
void web_socket_close(const Info& info) {
  WebSocketResource* socket = find_socket(info);
  const uint32_t code = id_argument(info, 1);
  if (!socket || (code != 1005 && !websocket::valid_close_code(static_cast<uint16_t>(code)) &&
                  !(code >= 1000 && code < 5000))) {
    return;
  }
  const std::string reason = to_utf8(info.GetIsolate(), info[2]);
  if (reason.size() > websocket::kControlBytes - 2) return;
  socket->close(static_cast<uint16_t>(code), reason);
}

}  // namespace

std::span<const Op> web_socket_ops() {
  static constexpr Op ops[] = {
      {"web_socket_respond", web_socket_respond}, {"web_socket_take", web_socket_take},
      {"web_socket_accept", web_socket_accept},   {"web_socket_send", web_socket_send},
      {"web_socket_close", web_socket_close},
  };
  return ops;
}

}  // namespace skep::api
