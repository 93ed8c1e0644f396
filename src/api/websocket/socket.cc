#include "api/websocket/socket.h"

#include <utility>

#include "api/base/values.h"
#include "api/runtime_impl.h"
#include "base/limits.h"
#include "base/limits_websocket.h"

namespace skep::api {
namespace {

// So many messages are told in one job; then others have their turn, and the CPU time is a new one.
constexpr unsigned kMessagesPerJob = 32;
constexpr std::string_view kNotSent = "The peer does not read what is sent to it.";
constexpr std::string_view kDisconnected = "WebSocket disconnected without sending Close frame.";

}  // namespace

WebSocketResource::WebSocketResource(Event& event, v8::Local<v8::Object> object,
                                     const net::websocket::SessionOptions& options)
    : Resource(event, Resource::Kind::web_socket),
      options_(options),
      object_(v8::Isolate::GetCurrent(), object),
      deferred_([this] { on_deferred(); }) {
  serves_client_ = options.role == net::websocket::Role::server;
  if (serves_client_) event.runtime().web_sockets++;
}

WebSocketResource::~WebSocketResource() {
  Runtime::Impl& runtime = event().runtime();
  if (serves_client_) runtime.web_sockets--;
  runtime.unsent_bytes -= unsent_bytes_;
  runtime.buffered_bytes -= held_bytes_;
}

// ---- the connection
// --------------------------------------------------------------------------------

void WebSocketResource::take_connection(std::unique_ptr<net::Upgraded> upgraded) {
  holding_ = true;  // the event counts it from respond_upgrade on
  if (upgraded) return start(std::move(upgraded));
  over_ = true;
  early_ = {};
  push(What::lost, 1006, std::string(kDisconnected));
  on_settled();
}

void WebSocketResource::start(std::unique_ptr<net::Upgraded> upgraded) {
  if (!serves_client_ && !std::exchange(holding_, true)) event().add_pending();
  session_ = std::make_unique<net::websocket::Session>(
      event().runtime().host.loop(), std::move(upgraded->stream), options_,
      static_cast<net::websocket::SessionEvents&>(*this));
  session_->start(std::move(upgraded->remaining));
  for (const Item& item : std::exchange(early_, {})) {
    if (item.kind == What::close) {
      session_->close(item.code, item.data);
    } else if (!send(item.kind == What::text, item.data)) {
      break;
    }
  }
  count_unsent();
}

void WebSocketResource::shut(uint16_t code, std::string_view reason) {
  if (session_) session_->close(code, reason);
}

// ---- what JavaScript asks
// --------------------------------------------------------------------------------

void WebSocketResource::accept(bool half_open) {
  accepted_ = true;
  half_open_ = half_open;
  if (queue_) event().runtime().host.loop().defer(deferred_);
}

bool WebSocketResource::send(bool text, std::string_view data) {
  if (!session_) {
    if (over_) return true;
    unsent_bytes_ += data.size();
    event().runtime().unsent_bytes += data.size();
    if (unsent_bytes_ > limits::kWebSocketSendBytes) return false;
    early_.push_back({text ? What::text : What::binary, 0, std::string(data)});
    return true;
  }
  session_->send(text, data);
  count_unsent();
  if (unsent_bytes_ <= limits::kWebSocketSendBytes &&
      event().runtime().unsent_bytes <= limits::kWebSocketUnsentBytes) {
    return true;
  }
  cut(kNotSent);
  return false;
}

void WebSocketResource::close(uint16_t code, std::string_view reason) {
  if (session_) return session_->close(code, reason);
  if (!over_) early_.push_back({What::close, code, std::string(reason)});
}

// Ends it without a word; what is unsent is dropped, on the loop's stack.
void WebSocketResource::cut(std::string_view why) {
  if (std::exchange(over_, true)) return;
  push(What::lost, 1006, std::string(why));
  event().runtime().host.loop().defer(deferred_);
}

// ---- what the connection tells
// --------------------------------------------------------------------------------

void WebSocketResource::push(What kind, uint16_t code, std::string data) {
  if (!queue_) queue_ = std::make_unique<std::deque<Item>>();
  queue_bytes_ += data.size();
  queue_->push_back({kind, code, std::move(data)});
}

void WebSocketResource::on_message(bool text, std::string data) {
  push(text ? What::text : What::binary, 0, std::move(data));
}

void WebSocketResource::on_close(uint16_t code, std::string_view reason) {
  push(What::close, code, std::string(reason));
}

void WebSocketResource::on_lost(net::websocket::Failure failed) {
  push(What::lost, failed.code, std::string(failed.why));
}

bool WebSocketResource::full() const {
  return queue_bytes_ > limits::kWebSocketQueueBytes ||
         (queue_ && queue_->size() > limits::kWebSocketQueueMessages);
}

void WebSocketResource::on_settled() {
  count_held();
  if (event().runtime().buffered_bytes > limits::kBodiesBufferedBytes && session_ &&
      held_bytes_ > 0) {
    // Messages under way of many sockets may fill the memory that no single one would.
    session_->close(1013, "Out of memory for messages.");
    cut("The messages that this Worker receives need more memory than it may have.");
  }
  if (full() && session_) session_->pause();
  if (!queue_ || !accepted_) return;
  event().renew_cpu();
  event().wake_resource(*this);  // `this` may be gone
}

void WebSocketResource::on_sent() {
  count_unsent();
}

void WebSocketResource::on_over() {
  over_ = true;
  count_unsent();
  Event& owner = event();
  if (finish_if_over()) return owner.settle();  // `this` is gone
  owner.runtime().host.loop().defer(deferred_);
}

void WebSocketResource::count_unsent() {
  const size_t now = session_ && !over_ ? session_->queued() : 0;
  event().runtime().unsent_bytes += now - unsent_bytes_;  // wraps as it should
  unsent_bytes_ = now;
}

void WebSocketResource::count_held() {
  const size_t now = queue_bytes_ + (session_ ? session_->held() : 0);
  event().runtime().buffered_bytes += now - held_bytes_;
  held_bytes_ = now;
}

// ---- to JavaScript
// --------------------------------------------------------------------------------

void WebSocketResource::wake(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (!accepted_ || !queue_) return;
  Item item = std::move(queue_->front());
  queue_->pop_front();
  queue_bytes_ -= item.data.size();
  if (queue_->empty()) queue_.reset();
  count_held();
  const bool more = queue_ != nullptr;
  // RFC 6455, 5.5.1: the peer's Close frame is answered when all that it sent before was told.
  if (item.kind == What::close && !half_open_ && session_) session_->close(item.code, item.data);
  if (more && ++told_ < kMessagesPerJob) {
    event().wake_resource(*this);
  } else {
    told_ = 0;
    if (more || over_ || session_) event().runtime().host.loop().defer(deferred_);
  }
  tell(isolate, context, std::move(item));  // may drop this
}

void WebSocketResource::tell(v8::Isolate* isolate, v8::Local<v8::Context> context, Item item) {
  v8::Local<v8::Value> argv[4] = {object_.Get(isolate),
                                  v8::Integer::New(isolate, static_cast<int>(item.kind)),
                                  v8::Undefined(isolate), v8::Integer::New(isolate, item.code)};
  if (item.kind == What::binary) {
    v8::TryCatch caught(isolate);
    v8::Local<v8::ArrayBuffer> buffer;
    if (to_array_buffer(isolate, item.data).ToLocal(&buffer)) {
      argv[2] = buffer;
    } else if (caught.HasTerminated()) {
      return;
    }
  } else {
    v8::TryCatch caught(isolate);
    v8::Local<v8::String> text;
    if (!to_js_string(isolate, item.data).ToLocal(&text)) return;
    argv[2] = text;
  }
  item.data = {};
  event().call_hook(isolate, context, Hook::web_socket_event, 4, argv);
}

// On the loop's stack: goes on reading, tells what is left, ends what is over.
void WebSocketResource::on_deferred() {
  Event& owner = event();
  if (over_) {
    session_.reset();
    count_unsent();
  }
  if (finish_if_over()) return owner.settle();
  if (session_ && !full()) session_->resume();
  if (queue_ && accepted_) {
    owner.renew_cpu();
    owner.wake_resource(*this);
  }
}

bool WebSocketResource::finish_if_over() {
  if (!over_) return false;
  // What came before the end is still told to whoever accepts it.
  if (queue_ && accepted_) return false;
  if (std::exchange(holding_, false)) {
    if (serves_client_) {
      event().release_client();
    } else {
      event().remove_pending();
    }
  }
  if (!queue_) event().drop(*this);
  return true;
}

}  // namespace skep::api
