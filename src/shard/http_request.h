// One HTTP request on this shard, from its head to the end of its event: the exchange's events, the
// channel that the runtime reads and writes, the observer of the event, and the wait for an
// instance are all this one object, which comes from a pool and goes back to it when the exchange
// is closed and the event has ended. On the loop's thread.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "api/fetch_channel.h"
#include "api/runtime.h"
#include "bindings/assets/site.h"
#include "bindings/kv/kv_binding.h"
#include "loop/loop.h"
#include "net/http.h"
#include "shard/access_record.h"
#include "shard/body_encoder.h"
#include "shard/request_facts.h"
#include "shard/request_url.h"
#include "shard/worker.h"

namespace skep::shard {

class HttpRequest;

// What all requests of a shard share; the shard implements it.
class RequestOwner {
 public:
  virtual Worker* route(std::string_view host, std::string_view path) = 0;
  virtual HostLink& host() = 0;
  virtual loop::Loop& loop() = 0;
  virtual const ShardConfig& config() const = 0;
  // It came over a connection that was not made for its host (421).
  virtual bool misdirected(const net::HttpExchange& exchange) const = 0;
  virtual std::string new_request_id() = 0;
  virtual EdgeSettings& edge() = 0;
  virtual CompressionStats& compression() = 0;
  // The request is through; it goes back to the pool.
  virtual void release(HttpRequest& request) = 0;

 protected:
  ~RequestOwner() = default;
};

class HttpRequest final : public net::ExchangeEvents,
                          public api::FetchChannel,
                          public EncodedSink,
                          public api::EventObserver,
                          public InstanceWaiter {
 public:
  explicit HttpRequest(RequestOwner& owner);

  // Takes the exchange (within HttpHandler::on_request).
  void begin(net::HttpExchange& exchange);

  // net::ExchangeEvents
  void on_body(std::span<const char> data) override;
  void on_body_end() override;
  void on_writable() override;
  void on_closed(bool complete) override;

  // api::FetchChannel
  void set_events(api::FetchChannelEvents* events) override { channel_events_ = events; }
  std::string_view method() const override { return head_ ? head_->method : std::string_view(); }
  std::string_view url() const override { return url_.href; }
  std::span<const net::Header> headers() const override {
    return head_ ? facts_.headers(id_) : std::span<const net::Header>();
  }
  bool has_body() const override { return head_ && head_->has_body; }
  std::optional<uint64_t> body_length() const override {
    return head_ ? head_->content_length : std::nullopt;
  }
  std::string cf_json() const override;
  Trace trace() override;
  void pull_body() override;
  void respond(const net::ResponseHead& head, std::string_view body, bool finish) override;
  bool write(std::string_view data) override;
  void finish() override;
  void abort() override;
  Upgrade upgrade_kind() const override;
  std::unique_ptr<net::Upgraded> upgrade() override;

  // api::EventObserver
  void on_failed(const api::EventResult& result, bool pass_through) override;
  void on_end(const api::EventResult& result) override;

  // InstanceWaiter
  void on_instance(Instance& instance) override;
  void on_load_failed(const api::ExceptionReport& report) override;
  void on_no_room() override;
  bool on_assets(const std::shared_ptr<bindings::AssetSite>& assets) override;

  // Intrusive links of the owner's list of requests under way.
  HttpRequest* previous = nullptr;
  HttpRequest* next = nullptr;

 private:
  void start();
  // Refuses the request for the worker's sake: more waits for it than it can do.
  void shed();
  void answer_plain(int status);
  void answer(int status, std::string_view content_type, std::string_view body);
  void log_line(const api::EventResult& result);
  // EncodedSink
  bool write_encoded(std::string_view data) override;
  void finish_encoded() override;
  void encoder_writable() override;

  // The response's head and what is there of its body, encoded where that is called for.
  // kept: where a whole body as it was encoded stays for the next client, by coding; null: nowhere.
  void send(const net::ResponseHead& head, std::string_view body, bool finish,
            std::array<std::string, 4>* kept = nullptr);
  void begin_access();
  // dev: runs the worker's scheduled() handler and answers with how it ended (http_scheduled.cc).
  void run_scheduled_now();
  // Answers of the worker's assets (http_assets.cc).
  void open_asset(const std::shared_ptr<bindings::AssetSite>& site, uint32_t index, int status);
  void send_asset(const bindings::AssetReply& reply, const bindings::AssetFile* file);
  void stream_asset(const net::ResponseHead& head, const bindings::AssetReply& reply,
                    const bindings::AssetFile& file);
  void pump_asset();
  void on_asset_piece(Result<std::string> piece);
  void end_asset(api::Outcome outcome);
  void note_end(api::Outcome outcome, int64_t cpu_ns);
  void send_access();
  void maybe_release();
  bool accepts_html() const;

  RequestOwner& owner_;
  net::HttpExchange* exchange_ = nullptr;  // null once closed
  // Of the exchange; null once it is closed and the runtime has been told.
  const net::RequestHead* head_ = nullptr;
  RequestUrl url_;
  mutable RequestFacts facts_;
  std::unique_ptr<BodyEncoder> encoder_;         // of a response that is streamed and compressed
  std::unique_ptr<AccessRecord> access_;         // where the log is on
  std::shared_ptr<char> scheduled_wait_;         // while a run of scheduled() goes on
  std::shared_ptr<char> asset_wait_;             // while an asset is being opened
  std::unique_ptr<bindings::FileReader> asset_;  // a large asset on its way out
  Worker* worker_ = nullptr;
  Instance* instance_ = nullptr;
  api::Event* event_ = nullptr;
  api::FetchChannelEvents* channel_events_ = nullptr;
  std::string id_;
  std::string method_;  // for the request line: the exchange may be gone by then
  int64_t started_ns_ = 0;
  int64_t ended_ns_ = 0;  // the response was complete; 0: it is not
  int status_ = 0;
  uint64_t use_ = 0;        // counts how often this object was taken from the pool
  bool finished_ = false;   // the response is complete
  bool waiting_ = false;    // for an instance
  bool running_ = false;    // the event has not ended
  bool gone_told_ = false;  // the runtime knows that the client is gone
  // Calls that reach us on a fiber must not call back into the runtime: they are made from here.
  bool pull_wanted_ = false;
  bool gone_wanted_ = false;
  bool start_wanted_ = false;
  std::unique_ptr<loop::Timer> refusal_;  // of a request that was shed
  loop::Deferred deferred_;
  void on_deferred();
};

}  // namespace skep::shard
