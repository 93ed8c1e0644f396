// An event in flight: one request (or one test) of one tenant, from its start until nothing of it
// is left. It holds what belongs to the request alone: the way back to the client, timers,
// waitUntil promises, CPU time. JavaScript knows it by a small integer, which rides on V8's
// continuation-preserved embedder data: whatever code runs, current_event() says for whom. Owned by
// the Runtime; on the loop's thread. A method says where it may be called: "loop" = on the loop's
// stack, isolate not entered; "job" = inside a job.
#pragma once

#include <v8.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/event/resource.h"
#include "api/fetch_channel.h"
#include "api/rpc/service.h"
#include "api/runtime.h"
#include "base/limits.h"
#include "isolate/tenant.h"
#include "loop/loop.h"

namespace skep::api {

struct Timers;
enum class Hook;

// What a read of the incoming body is to give.
enum class BodyRead { chunk, text, json, array_buffer, bytes };

// Where the request's body goes when no JavaScript reads it: a subrequest.
class BodySink {
 public:
  // False: wait; Event::sink_writable follows.
  virtual bool take(std::span<const char> data) = 0;
  virtual void take_end() = 0;
  virtual void source_lost() = 0;

 protected:
  ~BodySink() = default;
};

// Where the response's body comes from when no JavaScript writes it: a subrequest.
class BodySource {
 public:
  virtual void client_writable() = 0;
  // Nobody reads any more.
  virtual void client_left() = 0;

 protected:
  ~BodySource() = default;
};

class ClientWatch;

// What begins an event that is neither a request nor a test: a call of another worker. Owned by the
// event.
class EventStart {
 public:
  virtual ~EventStart() = default;
  // Job: calls the handler. False when JavaScript was terminated: nothing more may run in this job.
  virtual bool run(Event& event, v8::Isolate* isolate, v8::Local<v8::Context> context) = 0;
  // What the log calls the handler.
  virtual std::string_view where() const = 0;
  // Whether whoever began it may still want something of it.
  virtual bool wanted() const { return false; }
  // What waitUntil may hold of it after the handler.
  virtual int64_t wait_until_ms() const { return limits::kWaitUntilMs; }
  // Loop: the event is over. The last call.
  virtual void ended(const EventResult& result) = 0;
};

// Who gets the client's connection: a WebSocket.
class ConnectionTaker {
 public:
  // Null: the client is gone.
  virtual void take_connection(std::unique_ptr<net::Upgraded> upgraded) = 0;

 protected:
  ~ConnectionTaker() = default;
};

class Event final : public FetchChannelEvents {
 public:
  Event(Runtime::Impl& runtime, uint32_t id, std::string_view request_id);
  ~Event();

  // --- start (loop) ---
  // False: the tenant took no job; nothing happened.
  bool start_fetch(FetchChannel& channel, EventObserver& observer);
  bool start_test(uint32_t test_index, std::function<void(const EventResult&)> done);
  bool start_with(std::unique_ptr<EventStart> start);
  void client_gone();
  void cancel(Outcome outcome);

  uint32_t id() const { return id_; }
  const std::string& request_id() const { return request_id_; }
  FetchChannel* channel() { return channel_; }
  // Whether the request's head can still be read: to the end of the response, and beyond it where
  // waitUntil holds the event.
  bool has_head() const { return saved_head_ != nullptr || head_in_channel(); }
  bool has_body() const { return has_body_; }
  // Valid until JavaScript runs again.
  std::span<const net::Header> request_headers() const;
  std::string request_cf_json() const;
  Runtime::Impl& runtime() { return runtime_; }
  isolate::CpuMeter& meter() { return meter_; }
  Timers& timers();
  bool has_timers() const { return timers_ != nullptr; }
  EventResult& result() { return result_; }

  // --- from JavaScript (job) ---
  void respond(const net::ResponseHead& head, std::string_view body, bool finish);
  // The rest of the response's body is the request's own body, which JavaScript has not touched.
  void respond_with_request_body(const net::ResponseHead& head);
  // Its body comes from `source`, by write() and finish(), from the loop on.
  void respond_from(const net::ResponseHead& head, BodySource& source);
  // Status 101: the connection goes to `taker`, on the loop's stack; the event lives until
  // release_client.
  void respond_upgrade(const net::ResponseHead& head, ConnectionTaker& taker);
  bool write(std::string_view data);
  void finish();
  void abort_response();
  v8::Local<v8::Promise> when_writable(v8::Local<v8::Context> context);
  // Resolved when the client goes while the event lives. Empty: there is no client.
  v8::MaybeLocal<v8::Promise> when_client_gone(v8::Local<v8::Context> context);
  // The handler threw, or its promise was rejected.
  void fail(ExceptionReport report);
  // As fail, and no JavaScript of it is started any more.
  void abort(ExceptionReport report);
  void pass_through_on_exception() { pass_through_ = true; }
  void handler_done();
  void add_wait() { ++waits_; }
  void remove_wait();
  // An operation outside of JavaScript that will call back by itself.
  void add_pending();
  void remove_pending();
  // Others hold something of it that they may use: it does not hang, and one that an EventStart
  // began lives on for it.
  void hold() { ++holds_; }
  void unhold();
  // Expires with the event.
  std::shared_ptr<void> life();
  // Whoever began it wants no answer (loop).
  void starter_gone();
  // It was ended by force: nothing that its JavaScript still does counts.
  bool stopped() const { return stopped_; }
  bool response_started() const { return response_started_; }
  bool response_open() const { return response_open_; }

  // Starts a read of the incoming body: a promise of what `read` says (of a chunk: a boolean, and
  // then take_chunk). Null: a read is under way, or the body has been given away.
  v8::MaybeLocal<v8::Promise> read_body(v8::Local<v8::Context> context, BodyRead read);
  std::string take_chunk() { return std::move(body_bytes_); }
  // The reader lost interest.
  void drop_body();
  // The request's body, which JavaScript has not touched, goes to `sink`. False: it was touched.
  bool pass_body(BodySink& sink);
  void sink_writable();
  // The sink goes, or wants no more.
  void drop_sink();
  // How many subrequests it made so far.
  unsigned subrequests = 0;
  // How many workers called each other until this one was.
  unsigned depth = 0;
  unsigned stubs = 0;  // held and given away (rpc/stubs.h)
  // Which entrypoint it is for; null: the default one, without props.
  std::unique_ptr<EntryChoice> entry;
  unsigned sockets = 0;  // of connect(), open

  // --- FetchChannelEvents (loop) ---
  void on_body(std::span<const char> data) override;
  void on_body_end() override;
  void on_writable() override;

  // The connection that respond_upgrade gave away has ended (loop, or a job).
  void release_client();
  // What comes next has the CPU time of an event of its own (loop).
  void renew_cpu() { renew_cpu_ = true; }

  // A timer of this event is due, or its deadline (loop).
  void timers_due();
  void deadline();
  // What is due on the loop's stack after a job or a completion: calls out, and ends the event when
  // nothing is left. The event may be gone when it returns.
  void settle();
  // Nothing of the whole isolate can wake this event any more (loop).
  void hung();
  // May nothing but another event wake this one?
  bool stalled() const;
  bool waits_for_body() const { return body_ == Body::reading; }

  // What belongs to this event outside of JavaScript (resource.cc). adopt gives it its id.
  Resource& adopt(std::unique_ptr<Resource> resource);
  // It is destroyed soon, on the loop's stack.
  void drop(Resource& resource);
  // False when JavaScript was terminated: nothing more may run in this job.
  bool call_hook(v8::Isolate* isolate, v8::Local<v8::Context> context, Hook hook, int argc,
                 v8::Local<v8::Value> argv[]);
  // Has resource.wake() called in a job (loop). The event may be gone when it returns.
  void wake_resource(Resource& resource);

 private:
  enum class Body { none, idle, reading, passing, dropped };

  // The two jobs of an event: its start, and whatever comes from outside later.
  class EventJob final : public isolate::Job {
   public:
    EventJob(Event& event, void (Event::*run)(v8::Isolate*, v8::Local<v8::Context>))
        : event_(event), run_(run) {}
    void run(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
      (event_.*run_)(isolate, context);
    }
    void done(isolate::StopReason reason) override { event_.job_done(*this, reason); }
    isolate::CpuMeter* meter() override { return &event_.meter_; }

   private:
    Event& event_;
    void (Event::*run_)(v8::Isolate*, v8::Local<v8::Context>);
  };

  struct SavedHead;
  bool head_in_channel() const;
  void keep_head();

  bool over() const;
  bool start();
  // JavaScript changed this event, maybe in a job of another one: it is settled after that job.
  void touch();
  void run_start(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void run_wake(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void job_done(EventJob& job, isolate::StopReason reason);
  void fire_timers(v8::Isolate* isolate, v8::Local<v8::Context> context);
  // Something came from outside: has the wake job run. The event may be gone when it returns.
  void wake();
  bool run_resources(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void forget_resources();
  // Nothing of it runs, but what it has given away is held.
  bool only_held() const;
  std::string_view where() const { return start_ ? start_->where() : "fetch"; }
  void settle_body(v8::Isolate* isolate, v8::Local<v8::Context> context);
  void append_body(std::span<const char> data);
  bool settle_step();
  void end();
  // Ends it by force: no JavaScript of it is started any more.
  void stop(Outcome outcome);

  Runtime::Impl& runtime_;
  const uint32_t id_;
  std::string request_id_;
  FetchChannel* channel_ = nullptr;
  EventObserver* observer_ = nullptr;
  std::unique_ptr<SavedHead> saved_head_;
  std::function<void(const EventResult&)> test_done_;
  std::unique_ptr<EventStart> start_;
  std::shared_ptr<void> life_;
  isolate::CpuMeter meter_;
  EventResult result_;
  std::unique_ptr<Timers> timers_;

  EventJob start_job_{*this, &Event::run_start};
  EventJob wake_job_{*this, &Event::run_wake};
  uint32_t test_index_ = 0;
  unsigned jobs_ = 0;  // queued or running
  bool wake_job_active_ = false;
  bool touched_ = false;
  unsigned waits_ = 0;    // waitUntil promises
  unsigned pending_ = 0;  // operations that call back by themselves
  unsigned holds_ = 0;    // what others hold of it
  bool handler_pending_ = true;
  bool response_started_ = false;
  bool response_open_ = false;        // started, streamed, not finished
  ConnectionTaker* taker_ = nullptr;  // the connection is due to it
  bool client_given_ = false;         // a WebSocket has the connection, or will
  bool renew_cpu_ = false;
  ClientWatch* client_watch_ = nullptr;  // one of resources_
  bool client_left_ = false;   // JavaScript is told, then the event ends unless waitUntil holds it
  int64_t cpu_before_ns_ = 0;  // used before the meter was set back
  bool pass_through_ = false;
  bool failed_ = false;   // on_failed is due
  bool stopped_ = false;  // ended by force: no JavaScript of it runs any more
  bool settling_ = false;
  bool settle_again_ = false;

  std::vector<std::unique_ptr<Resource>> resources_;
  std::vector<std::unique_ptr<Resource>> dropped_;

  // What a wake job has to do.
  std::vector<uint32_t> woken_;  // resources, by id
  bool wake_body_ = false;
  bool wake_writable_ = false;
  bool wake_timers_ = false;

  // The incoming body.
  Body body_ = Body::none;
  BodyRead body_read_ = BodyRead::chunk;
  bool pull_ = false;  // a pull of the channel is due
  bool body_end_ = false;
  bool has_body_ = false;
  std::string body_bytes_;
  std::string body_error_;
  v8::Global<v8::Promise::Resolver> body_resolver_;
  v8::Global<v8::Promise::Resolver> writable_resolver_;
  bool pass_blocked_ = false;  // passing: the client (or the sink) is slow
  BodySink* body_sink_ = nullptr;
  BodySource* body_source_ = nullptr;
};

// The value that a read which is through gives; of a chunk: whether there was one.
v8::MaybeLocal<v8::Value> body_value(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                     BodyRead read, std::string_view bytes);

// The event that the running code belongs to: 0 at top level.
uint32_t current_event_id(v8::Isolate* isolate);
// The event `id`; null when it is over, for an id that never was, and while the snapshot is made
// (the warm-up of runtime.js runs without a tenant).
Event* find_event(v8::Isolate* isolate, uint32_t id);
// Null at top level and when the event is over.
Event* current_event(v8::Isolate* isolate);
// As current_event; throws Workers' error for either case.
Event* require_event(v8::Isolate* isolate);
// The event `id` if it is the current one, else null with Workers' error thrown.
Event* require_own_event(v8::Isolate* isolate, uint32_t id);

}  // namespace skep::api
