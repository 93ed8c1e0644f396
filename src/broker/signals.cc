#include "broker/signals.h"

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace skep::broker {
namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Result<std::unique_ptr<Signals>> Signals::create(loop::Loop& loop, Callbacks callbacks) {
  const sigset_t set = handled_signals();
  sigset_t previous;
  if (sigprocmask(SIG_BLOCK, &set, &previous) != 0) return fail_errno("sigprocmask", errno);
  signal(SIGPIPE, SIG_IGN);
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd", errno);
  return std::unique_ptr<Signals>(new Signals(loop, std::move(fd), previous, std::move(callbacks)));
}

Signals::Signals(loop::Loop& loop, UniqueFd fd, sigset_t previous, Callbacks callbacks)
    : fd_(std::move(fd)),
      previous_(previous),
      callbacks_(std::move(callbacks)),
      readiness_(loop, fd_.get(), [this] { on_readable(); }) {
  readiness_.watch();
}

Signals::~Signals() {
  sigprocmask(SIG_SETMASK, &previous_, nullptr);
}

void Signals::prepare_child() {
  for (int ignored : {SIGINT, SIGTERM, SIGHUP}) signal(ignored, SIG_IGN);
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void Signals::on_readable() {
  readiness_.watch();
  signalfd_siginfo info;
  while (read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    switch (info.ssi_signo) {
      case SIGTERM:
      case SIGINT:
        callbacks_.on_stop(static_cast<int>(info.ssi_signo));
        break;
      case SIGHUP:
        callbacks_.on_reload();
        break;
      case SIGCHLD:
        reap();
        break;
      default:
        break;
    }
  }
}

// One SIGCHLD may stand for several children.
void Signals::reap() {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) callbacks_.on_child(pid, status);
}

}  // namespace skep::broker
