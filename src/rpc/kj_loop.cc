#include "rpc/kj_loop.h"

#include <kj/debug.h>

namespace skep::rpc {
namespace {

// Between two looks at the ring KJ runs at most this many events: a flood of messages from one
// shard must not keep the loop from its timers and its other connections.
constexpr unsigned kEventsPerTurn = 256;

}  // namespace

KjLoop::KjLoop(loop::Loop& loop)
    : loop_(loop), ready_([this] { run_ready(); }), events_(*this), scope_(events_) {}

KjLoop::~KjLoop() noexcept(false) = default;

bool KjLoop::turn(bool may_sleep) {
  nested_ = true;
  auto result = loop_.turn(may_sleep);
  nested_ = false;
  if (!result) KJ_FAIL_REQUIRE("the ring failed", result.error().message.c_str());
  // KJ's executors, the only users of the answer, are not used here.
  return false;
}

bool KjLoop::wait() {
  return turn(true);
}

bool KjLoop::poll() {
  return turn(false);
}

void KjLoop::setRunnable(bool runnable) {
  if (runnable && !nested_) loop_.defer(ready_);
}

void KjLoop::wake() const {
  loop_.wake();
}

void KjLoop::run_ready() {
  if (nested_) return;
  events_.run(kEventsPerTurn);
  run_soon();
}

void KjLoop::run_soon() {
  if (events_.isRunnable()) loop_.defer(ready_);
}

}  // namespace skep::rpc
