#include "api/rpc/service_fetch.h"

#include <fmt/format.h>

#include <deque>
#include <string>
#include <vector>

#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/fetch_channel.h"
#include "api/rpc/answer.h"
#include "api/runtime_impl.h"
#include "base/limits_rpc.h"

namespace skep::api {
namespace {

// Body bytes on their way from one side to the other.
struct Pipe {
  std::string waiting;
  bool ended = false;
  bool pulled = false;   // the reader wants more
  bool blocked = false;  // the writer was told to wait

  bool write(std::string_view data) {
    waiting.append(data);
    blocked = waiting.size() > limits::kServiceBodyBytes;
    return !blocked;
  }
};

// Keeps itself until both the caller has let go and the callee's event has ended.
class ServiceRequest final : public FetchChannel,
                             public EventObserver,
                             public std::enable_shared_from_this<ServiceRequest> {
 public:
  ServiceRequest(Event& caller, const EntrypointCapability& target,
                 const net::ClientRequest& request, net::ClientEvents& events)
      : loop_(caller.runtime().host.loop()),
        service_(target.service),
        entry_(target.entry),
        depth_(caller.depth + 1),
        request_id_(caller.request_id()),
        events_(&events),
        method_(request.method),
        url_(fmt::format("{}://{}{}", request.secure ? "https" : "http", request.authority,
                         request.target)),
        has_body_(request.has_body),
        body_length_(request.content_length),
        turn_([this] { turn(); }) {
    keep_headers(request.headers, header_text_, headers_);
    up_.waiting = request.body;
    up_.ended = request.body_complete;
  }

  void begin() {
    self_ = shared_from_this();
    due_.start = true;
    loop_.defer(turn_);
  }

  // --- of the caller (a job, or the loop) ---
  void pull_response() {
    down_.pulled = true;
    loop_.defer(turn_);
  }
  bool write_request(std::string_view data) {
    if (due_.over) return true;  // nobody will read it
    const bool more = up_.write(data);
    loop_.defer(turn_);
    return more;
  }
  void finish_request() {
    up_.ended = true;
    loop_.defer(turn_);
  }
  void caller_gone() {
    events_ = nullptr;
    due_.gone = true;
    loop_.defer(turn_);
  }

  // --- FetchChannel: of the callee ---
  void set_events(FetchChannelEvents* events) override { callee_ = events; }
  std::string_view method() const override { return method_; }
  std::string_view url() const override { return url_; }
  std::span<const net::Header> headers() const override { return headers_; }
  bool has_body() const override { return has_body_; }
  std::optional<uint64_t> body_length() const override { return body_length_; }
  std::string cf_json() const override { return {}; }
  void pull_body() override {
    up_.pulled = true;
    loop_.defer(turn_);
  }
  void respond(const net::ResponseHead& head, std::string_view body, bool finish) override {
    keep_headers(head.headers, answer_text_, answer_headers_);
    status_text_ = head.status_text;
    answer_.status = head.status;
    answer_.status_text = status_text_;
    answer_.headers = answer_headers_;
    answer_.content_length = finish ? body.size() : head.content_length;
    answer_.has_body = !finish || !body.empty();
    down_.write(body);
    down_.ended = finish;
    due_.head = true;
    loop_.defer(turn_);
  }
  bool write(std::string_view data) override {
    if (!events_) return true;
    const bool more = down_.write(data);
    loop_.defer(turn_);
    return more;
  }
  void finish() override {
    down_.ended = true;
    loop_.defer(turn_);
  }
  void abort() override { fail({.kind = net::ClientFailure::lost, .message = kConnectionLost}); }

  // --- EventObserver ---
  void on_failed(const EventResult& result, bool) override {
    fail({.kind = net::ClientFailure::remote,
          .message = result.exception.message.empty() ? kCalleeCanceledMessage
                                                      : result.exception.message});
  }
  void on_end(const EventResult&) override {
    event_ = nullptr;
    callee_ = nullptr;
    due_.ended = due_.over = true;
    loop_.defer(turn_);
  }

 private:
  static void keep_headers(std::span<const net::Header> from, std::string& text,
                           std::vector<net::Header>& to) {
    size_t bytes = 0;
    for (const net::Header& header : from) bytes += header.name.size() + header.value.size();
    text.reserve(bytes);  // the views below point into it
    const auto keep = [&text](std::string_view part) {
      const size_t start = text.size();
      text.append(part);
      return std::string_view(text).substr(start);
    };
    for (const net::Header& header : from) {
      const std::string_view name = keep(header.name);
      to.push_back({.name = name, .value = keep(header.value)});
    }
  }

  void fail(net::ClientError error) {
    if (!error_) error_ = std::move(error);
    loop_.defer(turn_);
  }

  // What is due, on the loop's stack. Each step may destroy the caller's exchange, or its event.
  void turn() {
    const auto self = shared_from_this();
    if (std::exchange(due_.start, false)) acquire();
    if (std::exchange(due_.gone, false) && event_) runtime_->client_gone(*event_);
    if (callee_ && up_.pulled) give_request();
    if (events_ && std::exchange(due_.head, false)) events_->on_head(answer_);
    if (events_ && answer_.status != 0 && down_.pulled) give_response();
    if (events_ && error_ && !(answer_.status != 0 && !down_.waiting.empty())) {
      std::exchange(events_, nullptr)->on_failed(*error_);
    }
    if (events_ && due_.over && std::exchange(up_.blocked, false)) events_->on_writable();
    if (due_.ended) self_.reset();
  }

  void acquire() {
    service_->acquire([self = shared_from_this()](std::expected<Runtime*, std::string> runtime) {
      self->acquired(std::move(runtime));
    });
  }

  void acquired(std::expected<Runtime*, std::string> runtime) {
    if (events_ && runtime) {
      runtime_ = *runtime;
      Event* event = runtime_->fetch(*this, *this, request_id_, &entry_, depth_);
      // A short event is over already.
      if (!due_.over) event_ = event;
      if (event || due_.over) return;
      fail({.kind = net::ClientFailure::remote,
            .message = "Error: The Worker that was called takes no more events."});
    } else if (!runtime) {
      fail({.kind = net::ClientFailure::remote, .message = "Error: " + runtime.error()});
    }
    due_.ended = due_.over = true;
    loop_.defer(turn_);
  }

  void give_request() {
    if (up_.waiting.empty() && !up_.ended) return;
    up_.pulled = false;
    if (up_.waiting.empty()) return callee_->on_body_end();
    const std::string bytes = std::exchange(up_.waiting, {});
    const bool blocked = std::exchange(up_.blocked, false);
    callee_->on_body(bytes);
    if (blocked && events_) events_->on_writable();
  }

  void give_response() {
    if (down_.waiting.empty() && !down_.ended) return;
    down_.pulled = false;
    if (down_.waiting.empty()) return std::exchange(events_, nullptr)->on_body_end();
    const std::string bytes = std::exchange(down_.waiting, {});
    const bool blocked = std::exchange(down_.blocked, false);
    events_->on_body(bytes);
    if (blocked && callee_) callee_->on_writable();
  }

  loop::Loop& loop_;
  const std::shared_ptr<Service> service_;
  const EntryChoice entry_;
  const unsigned depth_;
  const std::string request_id_;
  net::ClientEvents* events_;  // null: the caller is gone, or has heard the end
  FetchChannelEvents* callee_ = nullptr;
  Runtime* runtime_ = nullptr;  // valid while event_ is
  Event* event_ = nullptr;
  const std::string method_, url_;
  std::string header_text_;
  std::vector<net::Header> headers_;
  const bool has_body_;
  const std::optional<uint64_t> body_length_;
  Pipe up_, down_;
  std::string answer_text_, status_text_;
  std::vector<net::Header> answer_headers_;
  net::ClientResponseHead answer_;
  std::optional<net::ClientError> error_;
  struct {
    bool start = false, head = false, gone = false, ended = false;
    bool over = false;  // the callee's event: stays so
  } due_;
  std::shared_ptr<ServiceRequest> self_;  // until the callee's event has ended
  loop::Deferred turn_;
};

class ServiceExchange final : public net::ClientExchange {
 public:
  explicit ServiceExchange(std::shared_ptr<ServiceRequest> request)
      : request_(std::move(request)) {}
  ~ServiceExchange() override { request_->caller_gone(); }
  void pull_body() override { request_->pull_response(); }
  bool write(std::string_view data) override { return request_->write_request(data); }
  void finish() override { request_->finish_request(); }
  std::unique_ptr<net::Upgraded> upgrade() override { return nullptr; }

 private:
  const std::shared_ptr<ServiceRequest> request_;
};

}  // namespace

std::unique_ptr<net::ClientExchange> ServiceClient::start(const net::ClientRequest& request,
                                                          net::ClientEvents& events) {
  auto made = std::make_shared<ServiceRequest>(caller_, *target_, request, events);
  made->begin();
  return std::make_unique<ServiceExchange>(std::move(made));
}

}  // namespace skep::api
