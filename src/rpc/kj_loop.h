// KJ's event loop inside ours: promises of Cap'n Proto run as deferred calls of loop::Loop, so one
// thread has one place where it sleeps. One KjLoop a thread, owned by what owns the Loop (broker or
// shard), destroyed before it and after everything that holds a promise.
#pragma once

#include <kj/async.h>

#include <utility>

#include "loop/loop.h"

namespace skep::rpc {

class KjLoop final : private kj::EventPort {
 public:
  explicit KjLoop(loop::Loop& loop);
  ~KjLoop() noexcept(false);
  KJ_DISALLOW_COPY_AND_MOVE(KjLoop);

  loop::Loop& loop() { return loop_; }

  // Turns the loop until the promise is done and gives its value; a failed promise throws. Only on
  // the thread's outermost stack (start-up, command line, tests), never in a callback.
  template <typename T>
  T wait(kj::Promise<T>&& promise) {
    // What is still queued in KJ afterwards must not wait for the next completion.
    KJ_DEFER(run_soon());
    return promise.wait(scope_);
  }

 private:
  bool wait() override;
  bool poll() override;
  void setRunnable(bool runnable) override;
  void wake() const override;

  bool turn(bool may_sleep);
  void run_ready();
  void run_soon();

  loop::Loop& loop_;
  loop::Deferred ready_;
  bool nested_ = false;  // KJ waits and turns our loop: it runs its events itself then
  kj::EventLoop events_;
  kj::WaitScope scope_;
};

}  // namespace skep::rpc
