#include "broker/zygote_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "broker/signals.h"

namespace skep::broker {
namespace {

using rpc::zygote::Notice;
using rpc::zygote::NoticeKind;

constexpr int kZygoteSocket = 3;

// In the child: from here to exec only what is safe after a fork.
[[noreturn]] void exec_zygote(const char* program, char* const* arguments, int socket) {
  Signals::prepare_child();
  // Out of the terminal's foreground group: ^C is the broker's.
  setpgid(0, 0);
  if (socket == kZygoteSocket) {
    fcntl(socket, F_SETFD, 0);
  } else {
    dup2(socket, kZygoteSocket);
  }
  execv(program, arguments);
  const char* why = strerror(errno);
  const char text[] = "skep: cannot start the zygote: ";
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0 ||
      write(STDERR_FILENO, why, strlen(why)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
    _exit(126);
  _exit(127);
}

}  // namespace

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  // A shard is the first process of its namespace, where a signal of its own cannot end it: the
  // sandbox makes these of SIGABRT and SIGSYS.
  if (WIFEXITED(status) && WEXITSTATUS(status) == 134) return "aborted";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 159)
    return "ended for a system call that its sandbox forbids";
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

Result<std::shared_ptr<ZygoteClient>> ZygoteClient::start(loop::Loop& loop,
                                                          const ZygoteOptions& options,
                                                          Callbacks callbacks) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno("socketpair for the zygote", errno);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl", errno);

  rpc::zygote::Arguments arguments = options.arguments;
  arguments.socket = kZygoteSocket;
  std::vector<std::string> text = rpc::zygote::arguments_to_text(arguments);
  text.insert(text.begin(), "skep");
  std::vector<char*> pointers;
  for (std::string& argument : text) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const std::string program = options.program.empty() ? "/proc/self/exe" : options.program;

  const pid_t pid = fork();
  if (pid < 0) return fail_errno("forking the zygote", errno);
  if (pid == 0) exec_zygote(program.c_str(), pointers.data(), theirs.get());
  std::shared_ptr<ZygoteClient> client(
      new ZygoteClient(loop, std::move(ours), pid, std::move(callbacks)));
  client->self_ = client;
  return client;
}

ZygoteClient::ZygoteClient(loop::Loop& loop, UniqueFd socket, pid_t pid, Callbacks callbacks)
    : socket_(std::move(socket)),
      pid_(pid),
      started_ns_(loop.now_ns()),
      callbacks_(std::move(callbacks)),
      readiness_(loop, socket_.get(), [this] { on_readable(); }) {
  readiness_.watch();
}

Result<> ZygoteClient::spawn(uint32_t index, uint32_t sequence, int socket) {
  if (gone_) return fail("the zygote is gone");
  return rpc::zygote::send(socket_.get(), rpc::zygote::SpawnRequest{index, sequence}, socket);
}

void ZygoteClient::on_readable() {
  // A callback may drop the last reference but this one.
  const std::shared_ptr<ZygoteClient> keep = self_.lock();
  while (!gone_) {
    auto received = rpc::zygote::receive_notice(socket_.get());
    if (!received) {
      if (received.error().code == EAGAIN) return readiness_.watch();
      return end(received.error().message);
    }
    if (!*received) return end(last_words_.empty() ? "the zygote has ended" : last_words_);
    handle(std::move(**received));
  }
}

void ZygoteClient::handle(rpc::zygote::Received<Notice> received) {
  Notice& notice = received.message;
  switch (notice.kind) {
    case NoticeKind::ready:
      ready_ = true;
      return callbacks_.on_ready(notice.text);
    case NoticeKind::spawned:
      return callbacks_.on_spawned(notice.sequence, notice.pid, std::move(received.fd));
    case NoticeKind::failed:
      if (notice.sequence != 0) return callbacks_.on_failed(notice.sequence, notice.text);
      last_words_ = std::move(notice.text);
      return;
    case NoticeKind::exited:
      return callbacks_.on_exited(notice.pid, notice.status);
  }
}

void ZygoteClient::end(std::string why) {
  gone_ = true;
  callbacks_.on_gone(why);
}

}  // namespace skep::broker
