// A request that a Worker sends: its way to the origin and back, seen by JavaScript
// (fetch/fetch.js) as an integer and a few promises. Its response's body is read by JavaScript,
// decoded where it is coded; or passed on to the event's client as it came, without JavaScript. A
// resource of its event; on the loop's thread.
#pragma once

#include <v8.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/event/event.h"
#include "api/event/resource.h"
#include "net/client/exchange.h"
#include "net/coding/coding.h"

namespace skep::api {

class Subrequest final : public Resource,
                         public BodySink,
                         public BodySource,
                         private net::ClientEvents {
 public:
  explicit Subrequest(Event& event);
  ~Subrequest() override;

  // --- in a job ---
  void start(net::HttpClient& client, const net::ClientRequest& request);
  // A promise that is fulfilled when the head is there.
  v8::Local<v8::Promise> when_head(v8::Local<v8::Context> context);
  bool has_head() const { return head_.status != 0; }
  const net::ClientResponseHead& head() const { return head_; }
  // Of the response's body; not known: nothing that we decode.
  std::optional<net::Coding> coding() const { return coding_; }

  // As Event::read_body; then take_chunk.
  v8::MaybeLocal<v8::Promise> read(v8::Local<v8::Context> context, BodyRead read);
  std::string websocket_key;  // Sec-WebSocket-Key that was sent, where it asks for a WebSocket
  bool raw = false;           // set before the first read: the body stays as it came
  std::string take_chunk() { return std::move(bytes_); }
  // Nobody wants the rest of the body.
  void cancel_body();
  // Ends it; what waits is rejected with `reason`.
  void abort(v8::Local<v8::Context> context, v8::Local<v8::Value> reason);
  // The rest of the event's response is this response's body. decode: not as it came.
  void pass_to_client(const net::ResponseHead& head, bool decode);

  // The request's body, from JavaScript. False: wait for when_writable.
  bool write(std::string_view data);
  bool open() const { return exchange_ != nullptr && error_.empty(); }
  void finish();
  // The event's own body, untouched so far, is the request's. False: it was touched.
  bool take_event_body();
  v8::Local<v8::Promise> when_writable(v8::Local<v8::Context> context);
  // The connection of a response with status 101; null when there is none (any more).
  std::unique_ptr<net::Upgraded> upgrade();

  // Resource
  void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) override;
  // BodySink: the event's own body is the request's (loop)
  bool take(std::span<const char> data) override;
  void take_end() override;
  void source_lost() override;
  // BodySource (loop, or a job)
  void client_writable() override;
  void client_left() override;

 private:
  // What is done with the response's body.
  enum class Body : uint8_t { idle, reading, passing, over };

  // net::ClientEvents (loop)
  void on_head(const net::ClientResponseHead& head) override;
  void on_body(std::span<const char> data) override;
  void on_body_end() override;
  void on_writable() override;
  void on_failed(const net::ClientError& error) override;

  void settle_head(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void settle_read(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void settle_writable(v8::Isolate* isolate, v8::Local<v8::Context> context);
  v8::Local<v8::Value> failure(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void next_of_body();
  bool decode_some(std::string& out, size_t most);
  void read_more();
  void pass_more();
  void pass_end();
  void fail_body(std::string_view why);
  void stop_passing();
  void free_buffer();
  void grow_buffer(size_t bytes);

  std::unique_ptr<net::ClientExchange> exchange_;
  struct KeptHead;  // what the exchange's head points to
  std::unique_ptr<KeptHead> kept_head_;
  net::ClientResponseHead head_;
  std::optional<net::Coding> coding_;
  std::unique_ptr<net::Decoder> decoder_;
  std::string coded_;  // arrived, not decoded yet
  size_t coded_at_ = 0;
  std::string bytes_;         // for the read under way
  size_t counted_bytes_ = 0;  // of bytes_, in the runtime's sum
  std::string error_;         // why it failed; "" if it did not
  std::string error_detail_;
  bool remote_ = false;  // error_ is another worker's exception
  Body body_ = Body::idle;
  BodyRead read_ = BodyRead::chunk;
  bool head_due_ = false;
  bool read_due_ = false;
  bool writable_due_ = false;
  bool sink_ = false;            // the event's body is on its way through us
  bool ended_ = false;           // the origin's body is complete
  bool decoder_full_ = false;    // the decoder has more to give without input
  bool client_blocked_ = false;  // passing: the client is slow
  v8::Global<v8::Promise::Resolver> head_resolver_;
  v8::Global<v8::Promise::Resolver> read_resolver_;
  v8::Global<v8::Promise::Resolver> writable_resolver_;
  v8::Global<v8::Value> abort_reason_;
};

}  // namespace skep::api
