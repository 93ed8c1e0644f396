// What the tests and fuzz targets of this folder stand on: a stream in memory whose other end is
// the test, and a handler with a small site (echo, stream, hold…). Not part of the server.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/headers.h"
#include "net/http.h"

namespace skep::net::testing {

// The test's end of a MemoryStream; outlives it.
struct Wire {
  loop::SocketEvents* events = nullptr;
  std::string sent;     // what the server sent and the "kernel" took
  std::string waiting;  // what it sent while `stalled`
  std::string held;     // arrived while the server did not receive
  bool receiving = false;
  bool stalled = false;    // the kernel takes nothing
  bool closed = false;     // the stream was destroyed
  bool shut_down = false;  // FIN after what was sent
  bool end_held = false;
  bool sent_due = false;  // on_sent is owed
  size_t pauses = 0;

  // Bytes arrive. They wait while the server does not receive.
  void deliver(std::string_view bytes) {
    held.append(bytes);
    pump();
  }
  void end() {
    end_held = true;
    pump();
  }
  void fail(int error) {
    if (!closed) events->on_error(error);
  }
  // Hands over what can be; the server's callbacks run in here.
  void pump() {
    if (receiving && !closed && !held.empty()) {
      const std::string bytes = std::exchange(held, std::string());
      events->on_data(bytes);
    }
    if (receiving && !closed && held.empty() && end_held) {
      end_held = false;
      events->on_end();
    }
  }
  void unstall() {
    stalled = false;
    sent.append(std::exchange(waiting, std::string()));
    sent_due = true;
    report_sent();
  }
  void report_sent() {
    if (!closed && events != nullptr && std::exchange(sent_due, false)) events->on_sent();
  }
};

class MemoryStream final : public Stream {
 public:
  explicit MemoryStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  ~MemoryStream() override { wire_->closed = true; }

  void set_events(loop::SocketEvents* events) override { wire_->events = events; }
  void receive() override { wire_->receiving = true; }
  void pause() override {
    wire_->receiving = false;
    wire_->pauses++;
  }
  void send(std::string_view data) override {
    (wire_->stalled ? wire_->waiting : wire_->sent).append(data);
    if (!wire_->stalled) wire_->sent_due = true;
  }
  void send_owned(std::span<const char> data, std::shared_ptr<void>) override {
    send({data.data(), data.size()});
  }
  size_t queued() const override { return wire_->waiting.size(); }
  void shutdown_send() override { wire_->shut_down = true; }
  int64_t last_progress_ns() const override { return 0; }
  bool secure() const override { return false; }

 private:
  std::shared_ptr<Wire> wire_;
};

// A loop without sockets, for memory streams.
std::unique_ptr<loop::Loop> make_loop();
// A few turns of the loop, with what the stream owes handed over between them.
void run_turns(loop::Loop& loop, Wire& wire);

class Site;

// One request at the Site; lives until its exchange is over.
class Visit final : public ExchangeEvents {
 public:
  Visit(Site& site, HttpExchange& exchange) : site_(site), exchange_(&exchange) {}

  void on_body(std::span<const char> data) override;
  void on_body_end() override;
  void on_writable() override;
  void on_closed(bool complete) override;

  HttpExchange& exchange() { return *exchange_; }
  std::string_view path() const { return path_; }
  void start();

  std::string body;
  int writables = 0;

 private:
  void stream_more();

  Site& site_;
  HttpExchange* exchange_;
  std::string path_;
  uint64_t stream_left_ = 0;
};

// Answers by path:
//   /echo          the request's body, when it is complete
//   /pipe          the request's body, chunk by chunk as it comes
//   /stream/N      N bytes of 'x', chunked, minding back-pressure
//   /sized/N       the same with a Content-Length
//   /hold          nothing; the test answers through `held`
//   /abort         aborts
//   /cut           promises 10 bytes and sends 5
//   anything else  "hello\n"
class Site final : public HttpHandler {
 public:
  void on_request(HttpExchange& exchange) override;
  void on_refused(const loop::PeerAddress&, int status) override { refusals.push_back(status); }

  // Called at the start of the named callback ("request", "body", "body_end", "writable",
  // "closed").
  std::function<void(std::string_view callback)> hook;
  bool keep_bodies = true;
  uint64_t most_stream_bytes = UINT64_MAX;  // N of /stream/N and /sized/N counts up to this
  std::vector<int> refusals;
  size_t requests = 0;
  size_t completed = 0;
  size_t broken = 0;
  uint64_t body_bytes = 0;
  std::string log;            // "METHOD target (body)\n" for each request whose body came
  std::string path_at_close;  // the last request's target, read in on_closed
  std::vector<std::unique_ptr<Visit>> open;

  Visit* held() { return open.empty() ? nullptr : open.back().get(); }

 private:
  friend class Visit;
  void call_hook(std::string_view callback) {
    if (hook) hook(callback);
  }
  void remove(Visit* visit);
};

// Answers everything at once with the same few bytes: for benchmarks.
class Hello final : public HttpHandler, private ExchangeEvents {
 public:
  void on_request(HttpExchange& exchange) override {
    static constexpr Header headers[] = {{"Content-Type", "text/plain;charset=UTF-8"}};
    exchange.set_events(this);
    exchange.respond({.headers = headers}, "Hello World!", true);
  }

 private:
  void on_body(std::span<const char>) override {}
  void on_body_end() override {}
  void on_writable() override {}
  void on_closed(bool) override {}
};

}  // namespace skep::net::testing
