#include "api/event/event.h"

#include "api/base/values.h"
#include "api/event/client_watch.h"
#include "api/event/env_scope.h"
#include "api/event/errors.h"
#include "api/event/report.h"
#include "api/event/timers.h"
#include "api/rpc/values.h"
#include "api/runtime_impl.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/limits_rpc.h"
#include "base/time.h"

namespace skep::api {

// What stays of a request's head when its channel goes before the event.
struct Event::SavedHead {
  explicit SavedHead(const FetchChannel& channel) : cf_json(channel.cf_json()) {
    size_t bytes = 0;
    for (const net::Header& header : channel.headers()) {
      bytes += header.name.size() + header.value.size();
    }
    text.reserve(bytes);  // the views below point into it
    for (const net::Header& header : channel.headers()) {
      headers.push_back({.name = keep(header.name), .value = keep(header.value)});
    }
  }
  std::string_view keep(std::string_view part) {
    const size_t start = text.size();
    text.append(part);
    return std::string_view(text).substr(start, part.size());
  }

  std::string text;
  std::vector<net::Header> headers;
  std::string cf_json;
};

Event::Event(Runtime::Impl& runtime, uint32_t id, std::string_view request_id)
    : runtime_(runtime), id_(id), request_id_(request_id) {
  meter_.limit_ns = runtime.options.cpu_ms * 1'000'000;
}

Event::~Event() {
  forget_resources();
  runtime_.pending -= pending_;
  if (body_ == Body::reading) runtime_.buffered_bytes -= body_bytes_.size();
}

Timers& Event::timers() {
  if (!timers_) timers_ = std::make_unique<Timers>(runtime_.host.loop(), *this);
  return *timers_;
}

// --- start and end ---

bool Event::start() {
  ++jobs_;
  if (runtime_.tenant.run(start_job_)) return true;
  --jobs_;
  return false;
}

bool Event::start_fetch(FetchChannel& channel, EventObserver& observer) {
  channel_ = &channel;
  observer_ = &observer;
  has_body_ = channel.has_body();
  if (has_body_) body_ = Body::idle;
  channel.set_events(this);
  return start();
}

bool Event::start_test(uint32_t test_index, std::function<void(const EventResult&)> done) {
  meter_.limit_ns = 0;
  test_index_ = test_index;
  test_done_ = std::move(done);
  return start();
}

bool Event::start_with(std::unique_ptr<EventStart> start_in) {
  start_ = std::move(start_in);
  return start();
}

void Event::unhold() {
  --holds_;
  touch();
}

std::shared_ptr<void> Event::life() {
  if (!life_) life_ = std::make_shared<char>();
  return life_;
}

void Event::starter_gone() {
  if (!handler_pending_) return;
  if (waits_ == 0) return cancel(Outcome::canceled);
  timers().deadline.set_ms(limits::kWaitUntilMs);
}

bool Event::only_held() const {
  return start_ && holds_ > 0 && !stopped_ && !handler_pending_ && waits_ == 0;
}

bool Event::head_in_channel() const {
  // Once the response is complete the exchange may be over at any moment.
  return channel_ && (!response_started_ || response_open_);
}

void Event::keep_head() {
  if (channel_ && !saved_head_) saved_head_ = std::make_unique<SavedHead>(*channel_);
}

std::span<const net::Header> Event::request_headers() const {
  if (saved_head_) return saved_head_->headers;
  return head_in_channel() ? channel_->headers() : std::span<const net::Header>();
}

std::string Event::request_cf_json() const {
  if (saved_head_) return saved_head_->cf_json;
  return head_in_channel() ? channel_->cf_json() : std::string();
}

void Event::client_gone() {
  if (!channel_) return;
  if ((jobs_ > 0 || waits_ > 0) && head_in_channel()) keep_head();
  channel_ = nullptr;
  if (response_open_) {
    response_open_ = false;
    if (body_source_) {
      std::exchange(body_source_, nullptr)->client_left();
    } else {
      wake_writable_ = true;  // its pump hears that nobody reads any more
    }
  }
  if (body_ == Body::reading) {
    body_error_ = kConnectionLost;
    wake_body_ = true;
  } else if (body_ != Body::none) {
    if (body_ == Body::passing) remove_pending();
    if (body_sink_) std::exchange(body_sink_, nullptr)->source_lost();
    body_ = Body::dropped;
  }
  if (client_watch_) {
    client_left_ = true;
    remove_pending();
    return wake_resource(*std::exchange(client_watch_, nullptr));
  }
  if (waits_ == 0) return cancel(Outcome::canceled);
  timers().deadline.set_ms(limits::kWaitUntilMs);
  if (wake_writable_ || wake_body_) return wake();
  settle();
}

void Event::cancel(Outcome outcome) {
  Runtime::Impl& runtime = runtime_;
  stop(outcome);
  settle();
  runtime.after_job();
}

void Event::stop(Outcome outcome) {
  if (stopped_) return;
  stopped_ = true;
  if (result_.outcome == Outcome::ok) result_.outcome = outcome;
  if (channel_ && !response_started_) failed_ = true;
  if (channel_ && response_open_) channel_->abort();
  response_open_ = false;
  handler_pending_ = false;
  waits_ = 0;
}

void Event::deadline() {
  Runtime::Impl& runtime = runtime_;
  const bool only_waits =
      waits_ > 0 && !response_open_ && !client_given_ && (!handler_pending_ || !channel_);
  if (only_held()) {
    // Two that hold each other's objects must not live for ever.
    if (!start_->wanted()) stop(Outcome::canceled);
    settle();
  } else if (only_waits && start_ && holds_ > 0 && !stopped_) {
    waits_ = 0;
    settle();
  } else if (only_waits || stopped_) {
    // The bound of waitUntil: what is still running is given up.
    stop(Outcome::canceled);
    settle();
  } else if (stalled()) {
    hung();
  }
  runtime.after_job();  // `this` may be gone
}

void Event::hung() {
  if (!handler_pending_ && !response_open_) {
    // Only waitUntil promises that nothing can settle: the event is over.
    waits_ = 0;
    return settle();
  }
  result_.outcome = Outcome::canceled;
  result_.exception = {.message = std::string("Error: ") + kHungMessage};
  runtime_.report(request_id_, where(), result_.exception);
  stop(Outcome::canceled);
  settle();
}

bool Event::stalled() const {
  return jobs_ == 0 && pending_ == 0 && holds_ == 0 && !over();
}

bool Event::over() const {
  return !failed_ && (stopped_ || (!handler_pending_ && !response_open_ && !client_given_ &&
                                   waits_ == 0 && (holds_ == 0 || !start_)));
}

void Event::settle() {
  touched_ = false;
  if (settling_) {
    settle_again_ = true;
    return;
  }
  settling_ = true;
  do {
    settle_again_ = false;
    if (settle_step()) settle_again_ = true;
  } while (settle_again_);
  settling_ = false;
  if (jobs_ == 0 && over()) end();
}

// One thing that is due; each may call back into this event before it returns.
bool Event::settle_step() {
  if (jobs_ > 0) return false;
  if (failed_) {
    failed_ = false;
    if (observer_ && channel_) observer_->on_failed(result_, pass_through_);
    return true;
  }
  dropped_.clear();
  if (over()) return false;
  if (std::exchange(client_left_, false)) {
    if (waits_ == 0) {
      stop(Outcome::canceled);
    } else {
      timers().deadline.set_ms(limits::kWaitUntilMs);
    }
    return true;
  }
  if (pull_ && channel_) {
    pull_ = false;
    channel_->pull_body();
    return true;
  }
  if (taker_) {
    response_open_ = false;
    std::exchange(taker_, nullptr)->take_connection(channel_ ? channel_->upgrade() : nullptr);
    return true;
  }
  if (timers_) timers_->arm();
  // The answer has left; what waitUntil holds has a bound from here.
  if (waits_ > 0 && !handler_pending_ && !response_open_ && !client_given_ &&
      !timers().deadline.armed()) {
    timers().deadline.set_ms(start_ ? start_->wait_until_ms() : limits::kWaitUntilMs);
  }
  if (only_held() && !timers().deadline.armed()) timers().deadline.set_ms(limits::kRpcHeldMs);
  // Only another event of the isolate can wake this one: it may, but not for ever.
  if (stalled() && runtime_.pending > 0 && !timers().deadline.armed()) {
    timers().deadline.set_ms(limits::kHungMs);
  }
  return false;
}

void Event::end() {
  if (channel_) channel_->set_events(nullptr);
  result_.cpu_ns = cpu_before_ns_ + meter_.used_ns;
  EventObserver* observer = observer_;
  EventResult result = std::move(result_);
  auto test_done = std::move(test_done_);
  const std::unique_ptr<EventStart> start = std::move(start_);
  runtime_.events.remove(*this);  // `this` is gone
  if (start) start->ended(result);
  if (observer) observer->on_end(result);
  if (test_done) test_done(result);
}

// --- jobs ---

bool Event::call_hook(v8::Isolate* isolate, v8::Local<v8::Context> context, Hook hook, int argc,
                      v8::Local<v8::Value> argv[]) {
  enter_event(isolate, id_);
  v8::TryCatch caught(isolate);
  v8::Local<v8::Value> ignored;
  if (runtime_.hook(isolate, hook)
          ->Call(context, v8::Undefined(isolate), argc, argv)
          .ToLocal(&ignored))
    return true;
  if (caught.HasTerminated() || !caught.HasCaught()) return false;
  fail(make_report(isolate, context, caught.Exception()));
  return true;
}

void Event::run_start(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (stopped_) return;  // it waited for the isolate too long
  runtime_.take_hooks(isolate, context);
  v8::Local<v8::Value> argv[5] = {v8::Integer::NewFromUnsigned(isolate, id_)};
  bool running = false;
  if (channel_) {
    argv[1] = runtime_.method_string(isolate, channel_->method());
    argv[2] = js_latin1(isolate, channel_->url());
    if (entry) {
      argv[3] = js_text(isolate, entry->name);
      if (!entry_props(isolate, context, *entry).ToLocal(&argv[4])) return;
    }
    running = call_hook(isolate, context, Hook::dispatch_fetch, entry ? 5 : 3, argv);
  } else if (test_done_) {
    argv[1] = v8::Integer::NewFromUnsigned(isolate, test_index_);
    running = call_hook(isolate, context, Hook::dispatch_test, 2, argv);
  } else if (start_) {
    enter_event(isolate, id_);
    running = start_->run(*this, isolate, context);
  }
  if (running) runtime_.drain(isolate, context);
}

void Event::run_wake(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  enter_event(isolate, id_);
  if (stopped_) return;
  if (wake_body_) {
    wake_body_ = false;
    settle_body(isolate, context);
    if (!runtime_.drain(isolate, context)) return;
  }
  if (wake_writable_) {
    wake_writable_ = false;
    if (!writable_resolver_.IsEmpty()) {
      auto resolver = writable_resolver_.Get(isolate);
      writable_resolver_.Reset();
      remove_pending();
      (void)resolver->Resolve(context, v8::Boolean::New(isolate, response_open_));
      if (!runtime_.drain(isolate, context)) return;
    }
  }
  if (!run_resources(isolate, context)) return;
  if (wake_timers_) {
    wake_timers_ = false;
    fire_timers(isolate, context);
  }
}

void Event::fire_timers(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  const int64_t now_ns = monotonic_ns();
  while (!stopped_) {
    v8::HandleScope scope(isolate);
    v8::Local<v8::Value> argv[1] = {timers().take_due(isolate, now_ns)};
    if (argv[0].IsEmpty()) return;
    remove_pending();
    if (!call_hook(isolate, context, Hook::timer_fire, 1, argv)) return;
    if (!runtime_.drain(isolate, context)) return;
  }
}

void Event::wake() {
  if (wake_job_active_) return;  // it looks at the flags when it runs, or is run again
  wake_job_active_ = true;
  if (renew_cpu_ && jobs_ == 0) {
    renew_cpu_ = false;
    cpu_before_ns_ += std::exchange(meter_.used_ns, 0);
  }
  ++jobs_;
  if (runtime_.tenant.run(wake_job_)) return;  // `this` may be gone
  wake_job_active_ = false;
  --jobs_;
  stop(runtime_.stop_outcome());
  settle();
}

void Event::job_done(EventJob& job, isolate::StopReason reason) {
  --jobs_;
  if (&job == &wake_job_) wake_job_active_ = false;
  Runtime::Impl& runtime = runtime_;
  if (reason != isolate::StopReason::none) {
    const Outcome outcome = outcome_of(reason);
    if (outcome == Outcome::exceeded_cpu || outcome == Outcome::exceeded_memory) {
      // The outcome says it already; to the log it goes from there.
      result_.exception = {.message =
                               outcome == Outcome::exceeded_cpu ? kExceededCpu : kExceededMemory};
    }
    stop(outcome);
  }
  if (!stopped_ && (wake_body_ || wake_writable_ || wake_timers_ || !woken_.empty())) {
    wake();
  } else {
    settle();
  }
  // `this` may be gone from here.
  if (reason == isolate::StopReason::memory_limit) runtime.stop_all(Outcome::exceeded_memory);
  runtime.after_job();
}

// --- from JavaScript ---

void Event::touch() {
  if (jobs_ > 0 || touched_) return;
  touched_ = true;
  runtime_.touched.push_back(id_);
}

void Event::handler_done() {
  handler_pending_ = false;
  touch();
}

void Event::remove_wait() {
  if (waits_ > 0) --waits_;
  touch();
}

void Event::fail(ExceptionReport report) {
  if (stopped_) return;
  if (!handler_pending_) return runtime_.report(request_id_, where(), report);
  handler_pending_ = false;
  touch();
  result_.outcome = Outcome::exception;
  result_.exception = std::move(report);
  // A test's exception is its result.
  if (channel_ || !test_done_) runtime_.report(request_id_, where(), result_.exception);
  if (!response_started_) {
    failed_ = true;
  } else {
    abort_response();
  }
}

void Event::abort(ExceptionReport report) {
  if (stopped_) return;
  fail(std::move(report));
  stop(Outcome::exception);
}

void Event::respond(const net::ResponseHead& head, std::string_view body, bool finish) {
  if (stopped_ || !handler_pending_) return;
  handler_pending_ = false;
  if (finish && waits_ > 0) keep_head();
  response_started_ = true;
  touch();
  response_open_ = !finish && channel_;
  if (channel_) channel_->respond(head, body, finish);
}

void Event::respond_with_request_body(const net::ResponseHead& head) {
  respond(head, {}, false);
  if (!response_open_) return;
  if (body_ != Body::idle) return body_ == Body::none ? finish() : abort_response();
  add_pending();
  body_ = Body::passing;
  pull_ = true;
}

void Event::respond_from(const net::ResponseHead& head, BodySource& source) {
  respond(head, {}, false);
  if (response_open_) {
    body_source_ = &source;
  } else {
    source.client_left();
  }
}

void Event::respond_upgrade(const net::ResponseHead& head, ConnectionTaker& taker) {
  if (stopped_ || !handler_pending_) return;
  keep_head();
  respond(head, {}, false);
  taker_ = &taker;
  client_given_ = true;
  add_pending();
}

void Event::release_client() {
  client_given_ = false;
  remove_pending();
  touch();
}

bool Event::write(std::string_view data) {
  return channel_ && channel_->write(data);
}

void Event::finish() {
  if (!response_open_) return;
  if (waits_ > 0) keep_head();
  response_open_ = false;
  body_source_ = nullptr;
  touch();
  if (channel_) channel_->finish();
}

void Event::abort_response() {
  if (!response_open_) return;
  response_open_ = false;
  body_source_ = nullptr;
  touch();
  if (channel_) channel_->abort();
}

v8::Local<v8::Promise> Event::when_writable(v8::Local<v8::Context> context) {
  auto resolver = v8::Promise::Resolver::New(context).ToLocalChecked();
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  if (!response_open_ || !writable_resolver_.IsEmpty()) {
    (void)resolver->Resolve(context, v8::Boolean::New(isolate, response_open_));
  } else {
    writable_resolver_.Reset(isolate, resolver);
    add_pending();
  }
  return resolver->GetPromise();
}

void Event::add_pending() {
  ++pending_;
  ++runtime_.pending;
  touch();
}

void Event::remove_pending() {
  SKEP_ASSERT(pending_ > 0);
  --pending_;
  --runtime_.pending;
}

// --- timers (loop) ---

void Event::timers_due() {
  wake_timers_ = true;
  wake();
}

void Event::on_writable() {
  if (body_source_) return body_source_->client_writable();
  if (body_ == Body::passing && !body_sink_) {
    if (pass_blocked_) {
      pass_blocked_ = false;
      pull_ = true;
      settle();
    }
    return;
  }
  wake_writable_ = true;
  wake();
}

// --- who is running ---

uint32_t current_event_id(v8::Isolate* isolate) {
  v8::Local<v8::Data> data = isolate->GetContinuationPreservedEmbedderDataV2();
  if (!data->IsValue()) return 0;
  v8::Local<v8::Value> value = data.As<v8::Value>();
  return value->IsUint32() ? value.As<v8::Uint32>()->Value() : scoped_event_id(isolate);
}

Event* current_event(v8::Isolate* isolate) {
  return find_event(isolate, current_event_id(isolate));
}

Event* find_event(v8::Isolate* isolate, uint32_t id) {
  Runtime* runtime = id == 0 ? nullptr : Runtime::from(isolate);
  return runtime ? runtime->impl().events.find(id) : nullptr;
}

Event* require_event(v8::Isolate* isolate) {
  const uint32_t id = current_event_id(isolate);
  if (id == 0) {
    throw_error(isolate, kGlobalScopeMessage);
    return nullptr;
  }
  Event* event = find_event(isolate, id);
  if (!event) throw_error(isolate, kContextEndedMessage);
  return event;
}

Event* require_own_event(v8::Isolate* isolate, uint32_t id) {
  Event* event = require_event(isolate);
  if (event && event->id() != id) {
    throw_error(isolate, kCrossRequestMessage);
    return nullptr;
  }
  return event;
}

void enter_event(v8::Isolate* isolate, uint32_t id) {
  if (id == 0) {
    isolate->SetContinuationPreservedEmbedderDataV2(v8::Local<v8::Data>());
  } else {
    isolate->SetContinuationPreservedEmbedderDataV2(v8::Integer::NewFromUnsigned(isolate, id));
  }
}

}  // namespace skep::api
