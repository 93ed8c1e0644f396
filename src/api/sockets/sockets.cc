// Ops of cloudflare:sockets. Ids come from JavaScript and are checked here: they must be of a
// socket of the current event.
#include <string>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/runtime_impl.h"
#include "api/sockets/socket.h"
#include "base/limits_outbound.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

TcpSocket* own_socket(const Info& info) {
  const uint32_t id = info[0]->IsUint32() ? info[0].As<v8::Uint32>()->Value() : 0;
  return static_cast<TcpSocket*>(
      require_own_resource(info.GetIsolate(), id, Resource::Kind::socket));
}

// socket_connect(host, port, tls) -> id
void socket_connect(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = require_event(isolate);
  if (!event) return;
  net::ConnectTarget target;
  target.host = to_utf8(isolate, info[0]);
  const uint32_t port = info[1]->IsUint32() ? info[1].As<v8::Uint32>()->Value() : 0;
  if (target.host.empty() || target.host.size() > limits::kOutboundHostBytes + 2 || port == 0 ||
      port > 65535) {
    return throw_type_error(isolate, "Specified address could not be parsed.");
  }
  net::Connector* connector = event->runtime().host.connector();
  if (!connector)
    return throw_error(isolate, "This worker is not permitted to access the internet.");
  if (event->subrequests >= event->runtime().options.subrequests) {
    return throw_error(isolate, "Too many subrequests.");
  }
  if (event->sockets >= limits::kSocketsPerEvent) {
    return throw_error(isolate, "Too many sockets are open at once.");
  }
  target.port = static_cast<uint16_t>(port);
  target.tls = info[2]->IsTrue();
  event->subrequests++;
  auto& socket = static_cast<TcpSocket&>(event->adopt(std::make_unique<TcpSocket>(*event)));
  socket.start(*connector, target);
  info.GetReturnValue().Set(socket.id());
}

template <v8::Local<v8::Promise> (TcpSocket::*when)(v8::Local<v8::Context>)>
void socket_when(const Info& info) {
  if (TcpSocket* own = own_socket(info)) {
    info.GetReturnValue().Set((own->*when)(info.GetIsolate()->GetCurrentContext()));
  }
}

// socket_take(id) -> Uint8Array, after socket_readable(id) gave true
void socket_take(const Info& info) {
  TcpSocket* own = own_socket(info);
  v8::Local<v8::Uint8Array> chunk;
  if (own && to_uint8_array(info.GetIsolate(), own->take()).ToLocal(&chunk)) {
    info.GetReturnValue().Set(chunk);
  }
}

// socket_write(id, bytes) -> whether it is on its way (then: socket_sent)
void socket_write(const Info& info) {
  TcpSocket* own = own_socket(info);
  std::span<uint8_t> bytes;
  if (!own) return;
  if (!bytes_of(info[1], bytes)) {
    return throw_type_error(info.GetIsolate(),
                            "This WritableStream only supports writing byte types.");
  }
  const bool sent = own->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  info.GetReturnValue().Set(sent);
}

// socket_shutdown(id): the end of what is written
void socket_shutdown(const Info& info) {
  if (TcpSocket* own = own_socket(info)) own->shutdown();
}

// socket_close(id)
void socket_close(const Info& info) {
  if (TcpSocket* own = own_socket(info)) own->close();
}

// socket_start_tls(id, host)
void socket_start_tls(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const std::string host = to_utf8(isolate, info[1]);
  if (host.size() > limits::kOutboundHostBytes + 2) {
    return throw_type_error(isolate, "expectedServerHostname is not a host name.");
  }
  if (TcpSocket* own = own_socket(info)) own->start_tls(isolate->GetCurrentContext(), host);
}

}  // namespace

std::span<const Op> socket_ops() {
  static constexpr Op ops[] = {
      {"socket_connect", socket_connect},
      {"socket_opened", socket_when<&TcpSocket::when_opened>},
      {"socket_readable", socket_when<&TcpSocket::when_readable>},
      {"socket_sent", socket_when<&TcpSocket::when_sent>},
      {"socket_closed", socket_when<&TcpSocket::when_closed>},
      {"socket_take", socket_take},
      {"socket_write", socket_write},
      {"socket_shutdown", socket_shutdown},
      {"socket_close", socket_close},
      {"socket_start_tls", socket_start_tls},
  };
  return ops;
}

}  // namespace skep::api
