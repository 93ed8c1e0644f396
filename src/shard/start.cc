#include "shard/start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <unordered_map>

#include "api/snapshot.h"
#include "base/limits.h"
#include "isolate/engine.h"
#include "loop/loop.h"
#include "rpc/zygote_wire.h"
#include "sandbox/sandbox.h"
#include "shard/shard.h"

namespace skep::shard {
namespace {

namespace wire = rpc::zygote;

// Loop, watchdog, one helper of V8 and one that V8 may start beside it.
constexpr unsigned kHelperThreads = 1;
constexpr unsigned kThreads = 2 + kHelperThreads + 1;

void pin_to_core(uint32_t index) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  const int cores = CPU_COUNT(&allowed);
  int wanted = static_cast<int>(index) % cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed) || wanted-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    // A pin that the kernel refuses costs speed, nothing else.
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

Result<std::unique_ptr<loop::Loop>> close_walls(sandbox::Sandbox& walls, isolate::Engine& engine) {
  SKEP_TRY(walls.enter_filesystem());
  SKEP_TRY(walls.apply_limits({.threads = kThreads}));
  SKEP_TRY_ASSIGN(std::unique_ptr<loop::Loop> ring,
                  loop::Loop::create({.entries = limits::kRingEntries,
                                      .fixed_files = limits::kRingFixedFiles,
                                      .recv_buffer_bytes = limits::kRecvBufferBytes,
                                      .recv_buffer_count = limits::kRecvBufferCount,
                                      .restricted = true}));
  SKEP_TRY(walls.note(sandbox::Piece::ring, ring->restrict_and_enable()));
  SKEP_TRY(walls.drop_privileges());
  SKEP_TRY(engine.start_threads(kHelperThreads));
  SKEP_TRY(walls.apply_seccomp({}));
  return ring;
}

int shard_main(sandbox::Sandbox& walls, isolate::Engine& engine, uint32_t index, int socket) {
  prctl(PR_SET_NAME, fmt::format("skep-shard-{}", index).c_str());
  pin_to_core(index);
  auto ring = close_walls(walls, engine);
  if (!ring) {
    std::fprintf(stderr, "skep: shard %u: %s\n", index, ring.error().message.c_str());
    return 1;
  }
  Shard shard(**ring, engine, UniqueFd(socket));
  // Whatever state it ends in, the kernel tidies up; the sandbox forbids some of what V8 and the
  // ring would do for it.
  _exit(shard.run());
}

class Zygote {
 public:
  Zygote(wire::Arguments arguments, isolate::Engine& engine, int signals)
      : arguments_(std::move(arguments)), engine_(engine), signals_(signals) {}

  int run() {
    std::string missing;
    if (auto probed = sandbox::probe(arguments_.uid, arguments_.gid); !probed) {
      return give_up(probed.error());
    } else {
      missing = sandbox::describe(*probed);
    }
    if (!say({.kind = wire::NoticeKind::ready, .text = missing})) return 1;
    for (;;) {
      pollfd fds[] = {{arguments_.socket, POLLIN, 0}, {signals_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 && errno != EINTR) return 1;
      if (fds[1].revents != 0) reap();
      if (fds[0].revents != 0 && !serve()) return 0;
    }
  }

 private:
  bool say(const wire::Notice& notice, int fd = -1) {
    return wire::send(arguments_.socket, notice, fd).has_value();
  }

  int give_up(const Error& error) {
    say({.kind = wire::NoticeKind::failed, .status = error.code, .text = error.message});
    return 1;
  }

  // False: the broker is gone.
  bool serve() {
    auto received = wire::receive_request(arguments_.socket);
    if (!received) {
      give_up(received.error());
      return false;
    }
    if (!*received) return false;
    const wire::SpawnRequest request = (*received)->message;
    const int socket = (*received)->fd.get();
    const int keep[] = {socket};
    auto child = sandbox::spawn(
        {.level = arguments_.reduced_sandbox ? sandbox::Level::reduced : sandbox::Level::full,
         .uid = arguments_.uid,
         .gid = arguments_.gid,
         .keep_fds = keep},
        [&](sandbox::Sandbox& walls) { return shard_main(walls, engine_, request.index, socket); });
    if (!child) {
      return say({.kind = wire::NoticeKind::failed,
                  .sequence = request.sequence,
                  .status = child.error().code,
                  .text = child.error().message});
    }
    return say({.kind = wire::NoticeKind::spawned, .sequence = request.sequence, .pid = child->pid},
               child->pidfd.get());
  }

  void reap() {
    signalfd_siginfo info;
    while (read(signals_, &info, sizeof info) > 0) {
    }
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      say({.kind = wire::NoticeKind::exited, .pid = pid, .status = status});
    }
  }

  wire::Arguments arguments_;
  isolate::Engine& engine_;
  int signals_;
};

}  // namespace

int zygote_main(const std::vector<std::string>& text) {
  auto arguments = wire::arguments_from_text(text);
  if (!arguments) {
    std::fprintf(stderr, "skep: zygote: %s\n", arguments.error().message.c_str());
    return 2;
  }
  prctl(PR_SET_NAME, "skep-zygote");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A terminal's Ctrl-C reaches the whole group: the broker alone decides when shards end.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, nullptr);
  const int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);

  // BoringSSL's generator sets up a page that the kernel wipes at a fork, by which each shard knows
  // to draw a seed of its own; a shard may not ask for such a page any more.
  uint8_t drawn = 0;
  RAND_bytes(&drawn, sizeof drawn);

  isolate::EngineOptions options;
  for (const std::string& flag : arguments->v8_flags) options.flags += flag + " ";
  options.snapshot = api::embedded_snapshot();
  options.external_references = api::external_references();
  auto engine = isolate::Engine::create(options);
  if (!engine) {
    std::fprintf(stderr, "skep: zygote: %s\n", engine.error().message.c_str());
    return 1;
  }
  return Zygote(std::move(*arguments), **engine, signals).run();
}

}  // namespace skep::shard
