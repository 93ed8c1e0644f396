#include "broker/readiness.h"

#include <liburing.h>
#include <poll.h>

#include <utility>

namespace skep::broker {

struct Readiness::State final : loop::Completion {
  State(loop::Loop& loop_in, int fd_in, std::function<void()> on_readable_in)
      : loop(loop_in), fd(fd_in), on_readable(std::move(on_readable_in)) {}

  void complete(int32_t, uint32_t, bool) override {
    in_flight = false;
    if (abandoned) {
      delete this;
      return;
    }
    // An error of the poll is told in the same way: the read that follows finds it.
    const auto call = on_readable;  // it may destroy this
    call();
  }

  loop::Loop& loop;
  int fd;
  std::function<void()> on_readable;
  bool in_flight = false;
  bool abandoned = false;
};

Readiness::Readiness(loop::Loop& loop, int fd, std::function<void()> on_readable)
    : state_(new State(loop, fd, std::move(on_readable))) {}

Readiness::~Readiness() {
  if (!state_->in_flight) {
    delete state_;
    return;
  }
  state_->abandoned = true;
  state_->loop.cancel(state_);
}

void Readiness::watch() {
  if (state_->in_flight) return;
  state_->in_flight = true;
  io_uring_prep_poll_add(state_->loop.prepare(state_), state_->fd, POLLIN);
}

}  // namespace skep::broker
