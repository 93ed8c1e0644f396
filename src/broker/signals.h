// The broker's signals, as events of its loop.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/readiness.h"
#include "loop/loop.h"

namespace skep::broker {

class Signals {
 public:
  struct Callbacks {
    std::function<void(int signal)> on_stop;  // SIGTERM, SIGINT
    std::function<void()> on_reload;          // SIGHUP
    // A child of the broker has ended: a zygote, or what a dead zygote left behind.
    std::function<void(pid_t pid, int status)> on_child;
  };

  // Blocks these signals for the process (undo() in a child) and ignores SIGPIPE.
  static Result<std::unique_ptr<Signals>> create(loop::Loop& loop, Callbacks callbacks);
  ~Signals();

  // After a fork, before exec: the mask and dispositions that a program expects. A terminal's ^C
  // goes to the whole process group; that is for the broker alone to answer, so SIGINT, SIGTERM and
  // SIGHUP are ignored in what it starts.
  static void prepare_child();

 private:
  Signals(loop::Loop& loop, UniqueFd fd, sigset_t previous, Callbacks callbacks);
  void on_readable();
  void reap();

  UniqueFd fd_;
  sigset_t previous_;
  Callbacks callbacks_;
  Readiness readiness_;
};

}  // namespace skep::broker
