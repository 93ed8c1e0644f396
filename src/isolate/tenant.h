// A tenant: one isolate with its context, running one worker's code on this shard. All entries into
// the isolate go through Tenant::run: it puts the job on a fiber, enters, runs, drains the
// microtasks, leaves; or queues the job while an earlier one is suspended by the watchdog. Owned by
// the shard, made by the Arena. Everything here happens on the loop's thread.
#pragma once

#include <v8.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "isolate/account.h"

namespace skep::isolate {

class Arena;
class Tenant;

// Why V8 was stopped in the middle of a job.
enum class StopReason { none, cpu_limit, memory_limit, shutdown };

// CPU time of one request (or of start-up), spread over many jobs.
struct CpuMeter {
  int64_t used_ns = 0;
  int64_t limit_ns = 0;  // 0: no limit
};

// A piece of work inside the isolate. Intrusive and allocated by its owner.
class Job {
 public:
  virtual ~Job() = default;
  // On a fiber, isolate and context entered, HandleScope open. May be suspended anywhere inside
  // JavaScript; so may hold no lock and no reference into structures that others change.
  virtual void run(v8::Isolate* isolate, v8::Local<v8::Context> context) = 0;
  // Back on the loop's stack, after run and its microtasks, or when it was stopped. The job may
  // delete itself here, but must not destroy its tenant. `reason` != none: JavaScript was
  // terminated inside this job, or it was not started at all.
  virtual void done(StopReason reason) = 0;
  // Whom the time is charged to; null: nobody.
  virtual CpuMeter* meter() = 0;

 private:
  friend class Tenant;
  Job* next_ = nullptr;
  int64_t queued_at_ns_ = 0;
};

class Tenant {
 public:
  // Ends what still runs in it (those jobs hear `shutdown`), then the attachment, then the isolate.
  // Not from within a job or its done(). Arena::give_back is the cheaper way at a busy moment.
  ~Tenant();
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;

  // Runs the job at once when the isolate is free, its account is not heavy, and we are on the
  // loop's stack; otherwise queues it (also from within another job's done()). False: the queue is
  // full (limits::kJobsQueuedPerIsolate), the tenant is doomed by memory, or no stack can be had:
  // the job was not taken, done() does not come.
  bool run(Job& job);
  bool busy() const;  // a job is running or suspended, or jobs are queued
  // More is asked of it than it can do: what it was asked for next would wait too long
  // (limits::kShedAfterNs).
  bool overloaded() const;

  v8::Isolate* isolate() const;
  v8::Local<v8::Context> context() const;  // inside a job

  // Set once JavaScript ran out of memory or CPU: the tenant should get no new events and be
  // destroyed when idle. After the CPU limit what is in flight goes on; after the memory limit
  // run() refuses.
  bool condemned() const;
  void condemn();
  StopReason stopped_by() const;

  size_t heap_used_bytes() const;  // by V8's statistics, last known
  size_t external_bytes() const;   // array buffers and Wasm memories, last known
  int64_t cpu_used_ns() const;     // all jobs

  // Who answers for what the tenant uses: one account for all tenants of a worker. Until it is set,
  // the tenant has one of its own.
  void set_account(std::shared_ptr<Account> account);

  // Embedder state of the layers above (api::Runtime), destroyed before the isolate.
  struct Attachment {
    virtual ~Attachment() = default;
  };
  void attach(std::unique_ptr<Attachment> attachment);
  Attachment* attachment() const;
  static Tenant* from(v8::Isolate* isolate);

  // What this code sees as the time, in ms since the epoch: stands still within a job.
  double clock_ms() const;

  struct Impl;  // for this folder only
  Impl& impl() { return *impl_; }

 private:
  friend class Arena;
  explicit Tenant(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::isolate
