#include "shard/http_request.h"

#include "base/assert.h"
#include "base/limits_edge.h"
#include "base/limits_fairness.h"
#include "base/time.h"
#include "loop/fiber.h"
#include "net/headers.h"
#include "net/tls/tls_facts.h"
#include "net/trace.h"
#include "shard/encoding_plan.h"
#include "shard/error_page.h"

namespace skep::shard {
namespace {

bool on_fiber() {
  return loop::Fiber::current() != nullptr;
}

}  // namespace

HttpRequest::HttpRequest(RequestOwner& owner)
    : owner_(owner), deferred_([this] { on_deferred(); }) {}

void HttpRequest::begin(net::HttpExchange& exchange) {
  SKEP_ASSERT(exchange_ == nullptr && !running_);
  exchange_ = &exchange;
  head_ = &exchange.head();
  exchange.set_events(this);
  worker_ = nullptr;
  instance_ = nullptr;
  event_ = nullptr;
  channel_events_ = nullptr;
  encoder_.reset();
  access_.reset();
  asset_.reset();
  asset_wait_.reset();
  scheduled_wait_.reset();
  id_.clear();
  status_ = 0;
  ended_ns_ = 0;
  use_++;
  finished_ = false;
  waiting_ = gone_told_ = pull_wanted_ = gone_wanted_ = start_wanted_ = false;
  started_ns_ = owner_.loop().now_ns();
  // A pipelined request may come to light while the one before it is answered from a fiber.
  if (on_fiber()) {
    start_wanted_ = true;
    owner_.loop().defer(deferred_);
  } else {
    start();
  }
}

void HttpRequest::start() {
  const net::RequestHead& head = exchange_->head();
  facts_.begin(owner_.edge(), *exchange_);
  url_.assign(facts_.secure(), head.host, head.target);
  id_ = owner_.new_request_id();
  if (owner_.edge().access_log) begin_access();
  if (!url_.valid) return answer_plain(400);
  if (owner_.misdirected(*exchange_)) return answer_plain(421);
  worker_ = owner_.route(url_.host, url_.path);
  if (worker_ == nullptr) return answer_plain(404);
  if (owner_.config().dev) {
    method_.assign(head.method);
    if (url_.path == "/cdn-cgi/handler/scheduled" || url_.path == "/cdn-cgi/mf/scheduled")
      return run_scheduled_now();
  }
  waiting_ = true;
  worker_->wait(*this);
}

void HttpRequest::on_instance(Instance& instance) {
  waiting_ = false;
  instance_ = &instance;
  if (instance.runtime->requests_in_flight() >= limits::kRequestsInFlightPerIsolate ||
      instance.tenant().overloaded()) {
    return shed();
  }
  // fetch() may answer and end within the call: running_ says whether on_end is still to come.
  running_ = true;
  const uint64_t use = use_;
  api::Event* event = instance.runtime->fetch(*this, *this, id_);
  // Through already: this object went to the pool and may serve the connection's next request.
  if (use != use_ || !running_) return;
  if (event == nullptr) {
    running_ = false;
    return answer_plain(503);
  }
  event_ = event;
  if (exchange_ == nullptr && !gone_told_) on_deferred();
}

void HttpRequest::shed() {
  instance_ = nullptr;
  worker_->shed++;
  if (exchange_ == nullptr) return maybe_release();
  if (!refusal_) {
    refusal_ = std::make_unique<loop::Timer>(owner_.loop(), [this] { answer_plain(503); });
  }
  refusal_->set_ms(limits::kShedAnswerMs);
}

void HttpRequest::on_load_failed(const api::ExceptionReport& report) {
  waiting_ = false;
  if (exchange_ == nullptr) return maybe_release();
  const ErrorPage page = load_error_page(report, owner_.config().dev, accepts_html());
  LogRecord record;
  record.worker = worker_->name();
  record.request_id = id_;
  record.level = api::ConsoleLevel::error;
  record.kind = LogRecord::Kind::exception;
  record.message = report.message;
  record.stack = code_frame(report);
  if (!record.stack.empty() && !report.stack.empty()) record.stack += "\n";
  record.stack += report.stack;
  record.time_ms = wall_clock_ms();
  worker_->metrics.note(api::Outcome::exception, page.status, owner_.loop().now_ns() - started_ns_,
                        0);
  owner_.host().log(std::move(record));
  answer(page.status, page.content_type, page.body);
}

void HttpRequest::on_no_room() {
  waiting_ = false;
  answer_plain(503);
}

// ---- the exchange's events
// -------------------------------------------------------------------------

void HttpRequest::on_body(std::span<const char> data) {
  if (channel_events_ != nullptr) channel_events_->on_body(data);
}

void HttpRequest::on_body_end() {
  if (channel_events_ != nullptr) channel_events_->on_body_end();
}

void HttpRequest::on_writable() {
  if (encoder_) return encoder_->writable();
  if (asset_) return pump_asset();
  if (channel_events_ != nullptr) channel_events_->on_writable();
}

void HttpRequest::on_closed(bool complete) {
  exchange_ = nullptr;
  if (refusal_) refusal_->cancel();
  scheduled_wait_.reset();
  if (asset_ || asset_wait_) end_asset(api::Outcome::canceled);
  if (waiting_) {
    waiting_ = false;
    worker_->withdraw(*this);
  }
  if (running_ && !complete) {
    gone_wanted_ = true;
    if (event_ == nullptr || on_fiber()) {
      head_ = nullptr;  // gone before the runtime can be told
      owner_.loop().defer(deferred_);
    } else {
      on_deferred();  // the runtime copies what it needs of the head, and asks no more
    }
    return;
  }
  head_ = nullptr;
  // The event may be running still (waitUntil), or on_end may call this from a fiber.
  if (!running_) {
    if (on_fiber()) {
      owner_.loop().defer(deferred_);
    } else {
      maybe_release();
    }
  }
}

void HttpRequest::on_deferred() {
  if (start_wanted_) {
    start_wanted_ = false;
    if (exchange_ != nullptr) return start();
  }
  if (pull_wanted_) {
    pull_wanted_ = false;
    if (exchange_ != nullptr) exchange_->pull_body();
  }
  if (gone_wanted_ && running_ && event_ != nullptr) {
    gone_wanted_ = false;
    gone_told_ = true;
    channel_events_ = nullptr;
    instance_->runtime->client_gone(*event_);  // may end the event and release this object
    return;
  }
  maybe_release();
}

// ---- the channel
// -----------------------------------------------------------------------------------

std::string HttpRequest::cf_json() const {
  return head_ == nullptr ? "{}" : facts_.cf_json();
}

api::FetchChannel::Trace HttpRequest::trace() {
  if (head_ == nullptr || !facts_.has_trace()) return {};
  return {net::with_parent(facts_.traceparent(), owner_.edge().random()),
          std::string(facts_.tracestate())};
}

void HttpRequest::pull_body() {
  if (exchange_ == nullptr) return;
  if (on_fiber()) {
    pull_wanted_ = true;
    owner_.loop().defer(deferred_);
  } else {
    exchange_->pull_body();
  }
}

void HttpRequest::respond(const net::ResponseHead& head, std::string_view body, bool finish) {
  if (exchange_ == nullptr) return;
  status_ = head.status;
  const bool unread = !finish && head_ != nullptr && head_->method == "HEAD";
  finished_ = finish || unread;
  if (finished_) ended_ns_ = owner_.loop().now_ns();
  send(head, body, finish);
  if (!unread || exchange_ == nullptr) return;
  // Nobody reads what a stream would give: to the Worker it is a client that went away.
  exchange_->finish();
  gone_wanted_ = true;
  owner_.loop().defer(deferred_);
}

void HttpRequest::send(const net::ResponseHead& head, std::string_view body, bool finish,
                       std::array<std::string, 4>* kept) {
  const bool compress = worker_ != nullptr && owner_.config().worker_compress[worker_->index()];
  const auto length = finish ? std::optional<uint64_t>(body.size()) : head.content_length;
  EncodingPlan plan;
  if (head_ != nullptr) plan = plan_encoding(*head_, head, length, compress);
  CompressionStats& stats = owner_.compression();
  const bool full = stats.open >= limits::kCompressorsPerShard;
  if (full && !plan.demanded) plan.coding = net::Coding::identity;
  if (plan.coding == net::Coding::identity && !plan.varies) {
    if (access_) access_->bytes += body.size();
    return exchange_->respond(head, body, finish);
  }
  EncodedHead encoded(head, plan);
  if (plan.coding == net::Coding::identity) {
    if (access_) access_->bytes += body.size();
    return exchange_->respond(encoded.head(), body, finish);
  }
  if (finish && body.size() <= limits::kCompressWholeBytes) {
    std::string own;
    std::string& whole = kept != nullptr ? (*kept)[static_cast<size_t>(plan.coding)] : own;
    if (whole.empty()) whole = encode_whole(plan.coding, body, stats);
    encoded.head().content_length = whole.size();
    if (access_) access_->bytes += whole.size();
    return exchange_->respond(encoded.head(), whole, true);
  }
  exchange_->respond(encoded.head(), {}, false);
  encoder_ = std::make_unique<BodyEncoder>(owner_.loop(), *this, plan.coding, stats);
  if (!body.empty()) encoder_->write(body);
  if (finish) encoder_->finish();
}

bool HttpRequest::write(std::string_view data) {
  if (exchange_ == nullptr) return true;
  if (encoder_) return encoder_->write(data);
  if (access_) access_->bytes += data.size();
  return exchange_->write(data);
}

void HttpRequest::finish() {
  finished_ = true;
  ended_ns_ = owner_.loop().now_ns();
  if (exchange_ == nullptr) return;
  if (encoder_) return encoder_->finish();
  exchange_->finish();
}

bool HttpRequest::write_encoded(std::string_view data) {
  if (access_) access_->bytes += data.size();
  return exchange_ == nullptr || exchange_->write(data);
}

void HttpRequest::finish_encoded() {
  if (exchange_ != nullptr) exchange_->finish();
}

void HttpRequest::encoder_writable() {
  if (asset_) return pump_asset();
  if (channel_events_ != nullptr) channel_events_->on_writable();
}

void HttpRequest::abort() {
  if (exchange_ != nullptr) exchange_->abort();
}

api::FetchChannel::Upgrade HttpRequest::upgrade_kind() const {
  if (head_ == nullptr || !head_->upgrade || head_->has_body) return Upgrade::none;
  return head_->protocol.empty() ? Upgrade::keyed : Upgrade::keyless;
}

std::unique_ptr<net::Upgraded> HttpRequest::upgrade() {
  if (exchange_ == nullptr) return nullptr;
  finished_ = true;
  return exchange_->upgrade();
}

// ---- the event
// -------------------------------------------------------------------------------------

void HttpRequest::on_failed(const api::EventResult& result, bool pass_through) {
  // passThroughOnException sends the request on to the origin; here the worker is the origin.
  if (exchange_ == nullptr || exchange_->response_started()) return;
  const ErrorPage page = error_page(result, owner_.config().dev, accepts_html());
  answer(page.status, page.content_type, page.body);
}

void HttpRequest::on_end(const api::EventResult& result) {
  running_ = false;
  event_ = nullptr;
  channel_events_ = nullptr;
  Worker& worker = instance_->worker;
  Instance* instance = std::exchange(instance_, nullptr);
  note_end(result.outcome, result.cpu_ns);
  if (owner_.config().dev || result.outcome == api::Outcome::exceeded_cpu ||
      result.outcome == api::Outcome::exceeded_memory) {
    log_line(result);
  }
  worker.event_ended(*instance);
  // A response that was begun and can't be ended: the client must not take it for a whole one.
  if (exchange_ != nullptr && !finished_) exchange_->abort();
  maybe_release();
}

void HttpRequest::log_line(const api::EventResult& result) {
  LogRecord record;
  record.worker = worker_->name();
  record.request_id = id_;
  record.time_ms = wall_clock_ms();
  record.method = method_;
  record.url = url_.href;
  record.status = static_cast<uint16_t>(status_);
  record.duration_us = static_cast<uint64_t>(owner_.loop().now_ns() - started_ns_) / 1000;
  record.cpu_us = static_cast<uint64_t>(result.cpu_ns) / 1000;
  record.outcome = api::outcome_name(result.outcome);
  record.kind = LogRecord::Kind::request;
  if (!owner_.config().dev) {
    record.kind = LogRecord::Kind::limit;
    record.level = api::ConsoleLevel::error;
    record.message = result.outcome == api::Outcome::exceeded_cpu
                         ? "Worker exceeded CPU time limit."
                         : "Worker exceeded memory limit.";
  }
  owner_.host().log(std::move(record));
}

// ---- answers of our own
// ----------------------------------------------------------------------------

bool HttpRequest::accepts_html() const {
  return exchange_ != nullptr &&
         net::header_value(exchange_->head().headers, "accept").find("text/html") !=
             std::string_view::npos;
}

void HttpRequest::answer_plain(int status) {
  std::string_view text = "Service Unavailable\n";
  if (status == 400) text = "Bad Request\n";
  if (status == 404) text = "Not Found: no worker answers here\n";
  answer(status, "text/plain; charset=utf-8", text);
}

void HttpRequest::answer(int status, std::string_view content_type, std::string_view body) {
  if (exchange_ == nullptr) return maybe_release();
  const net::Header headers[] = {{"Content-Type", content_type}, {"Retry-After", "1"}};
  net::ResponseHead head;
  head.status = status;
  // Only what a later try may cure says when to try.
  head.headers = std::span(headers, status == 503 ? 2 : 1);
  head.content_length = body.size();
  status_ = status;
  finished_ = true;
  ended_ns_ = owner_.loop().now_ns();
  if (access_) access_->bytes = body.size();
  exchange_->respond(head, body, true);
}

void HttpRequest::maybe_release() {
  if (exchange_ != nullptr || running_ || waiting_) return;
  encoder_.reset();
  if (access_) send_access();
  owner_.release(*this);
}

// ---- what is counted and logged
// ----------------------------------------------------------------------------

void HttpRequest::note_end(api::Outcome outcome, int64_t cpu_ns) {
  const int64_t end = ended_ns_ != 0 ? ended_ns_ : owner_.loop().now_ns();
  worker_->metrics.note(outcome, status_, end - started_ns_, cpu_ns);
  if (!access_) return;
  access_->cpu_us = static_cast<uint64_t>(cpu_ns) / 1000;
  access_->outcome = api::outcome_name(outcome);
}

void HttpRequest::begin_access() {
  const net::RequestHead& head = exchange_->head();
  const auto text = [](std::string_view from) {
    return std::string(from.substr(0, limits::kAccessFieldBytes));
  };
  access_ = std::make_unique<AccessRecord>();
  access_->started_ms = wall_clock_ms();
  access_->client = facts_.client();
  access_->method = text(head.method);
  access_->url = text(url_.valid ? std::string_view(url_.href) : head.target);
  access_->protocol = protocol_name(head);
  access_->referer = text(net::header_value(head.headers, "referer"));
  access_->user_agent = text(net::header_value(head.headers, "user-agent"));
  access_->ray = facts_.ray(id_);
  access_->trace = net::trace_id(facts_.traceparent());
  if (const net::TlsFacts* tls = exchange_->tls()) access_->tls = tls->version;
}

void HttpRequest::send_access() {
  const int64_t end = ended_ns_ != 0 ? ended_ns_ : owner_.loop().now_ns();
  if (worker_ != nullptr) access_->worker = worker_->name();
  access_->status = static_cast<uint16_t>(status_);
  access_->duration_us = static_cast<uint64_t>(end - started_ns_) / 1000;
  owner_.host().access(std::move(*access_));
  access_.reset();
}

}  // namespace skep::shard
