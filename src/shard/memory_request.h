// A request to a worker from within the shard, without a connection: its body and its response are
// strings. The TypeScript transformer and the cold-start benchmark are asked in this way.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/fetch_channel.h"
#include "api/runtime.h"
#include "loop/loop.h"

namespace skep::shard {

struct MemoryResponse {
  int status = 0;  // 0: the event failed before it answered; see failure
  std::string body;
  api::EventResult failure;
};

class MemoryRequest final : public api::FetchChannel, public api::EventObserver {
 public:
  MemoryRequest(loop::Loop& loop, std::string method, std::string url,
                std::vector<std::pair<std::string, std::string>> headers, std::string body);

  // Sends it; `done` is called once, when the event has ended. The object must live until then, and
  // may be destroyed in `done`.
  void send(api::Runtime& runtime, std::function<void(MemoryResponse)> done);

  void set_events(api::FetchChannelEvents* events) override { events_ = events; }
  std::string_view method() const override { return method_; }
  std::string_view url() const override { return url_; }
  std::span<const net::Header> headers() const override { return headers_; }
  bool has_body() const override { return !body_.empty(); }
  std::optional<uint64_t> body_length() const override { return body_.size(); }
  std::string cf_json() const override { return "{}"; }
  void pull_body() override;
  void respond(const net::ResponseHead& head, std::string_view body, bool finish) override;
  bool write(std::string_view data) override;
  void finish() override {}
  void abort() override { response_.status = 0; }

  void on_failed(const api::EventResult& result, bool pass_through) override;
  void on_end(const api::EventResult& result) override;

 private:
  void deliver();

  loop::Loop& loop_;
  std::string method_, url_;
  std::vector<std::pair<std::string, std::string>> header_text_;
  std::vector<net::Header> headers_;
  std::string body_;
  size_t delivered_ = 0;
  api::FetchChannelEvents* events_ = nullptr;
  loop::Deferred deliver_;
  MemoryResponse response_;
  std::function<void(MemoryResponse)> done_;
};

}  // namespace skep::shard
