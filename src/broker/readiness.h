// Tells when a descriptor can be read: pidfd, signalfd, inotify, the zygote's socket. The broker is
// not sandboxed, so it reads them by plain system calls once the ring says that there is something.
#pragma once

#include <functional>

#include "loop/loop.h"

namespace skep::broker {

class Readiness {
 public:
  // The descriptor stays the caller's and outlives this. on_readable is called once for each
  // watch(); it may destroy the Readiness.
  Readiness(loop::Loop& loop, int fd, std::function<void()> on_readable);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  void watch();

 private:
  struct State;  // outlives this while a poll is in flight
  State* state_;
};

}  // namespace skep::broker
