// Stands where the zygote does in broker_test: forks shards that speak RPC and run no JavaScript.
// What a shard does is chosen by the V8 flags: --fake=NAME, listed in FakeShard.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/assert.h"
#include "base/limits.h"
#include "loop/socket.h"
#include "rpc/connection.h"
#include "rpc/descriptor.h"
#include "rpc/kj_loop.h"
#include "rpc/outcome.h"
#include "rpc/skep.capnp.h"
#include "rpc/zygote_wire.h"

namespace skep {
namespace {

// default: attaches, answers each connection with "shard INDEX pid PID\n", drains at once.
// die: ends before it attaches.          mute: never attaches.
// unwell: says that it left an isolate behind.
// stuck: never finishes to drain.        hostile: asks for what it must not get, logs the outcome.
// load: loads worker 0 and resolves "./lib.js" from its main module, logs what came.
class FakeShard final : public rpc::Shard::Server, public loop::AcceptorEvents {
 public:
  FakeShard(loop::Loop& loop, uint32_t index, std::string behaviour)
      : loop_(loop), index_(index), behaviour_(std::move(behaviour)) {}

  kj::Promise<void> drain(DrainContext) override {
    for (auto& acceptor : acceptors_) acceptor->stop();
    if (behaviour_ == "stuck") return kj::NEVER_DONE;
    return say("drained");
  }
  kj::Promise<void> reload(ReloadContext context) override {
    return say(fmt::format("reload worker {} version {}", context.getParams().getWorker(),
                           context.getParams().getVersion()))
        .then([this] { return load(); });
  }
  kj::Promise<void> stats(StatsContext context) override {
    auto stats = context.getResults().initStats();
    stats.setRequests(1234);
    stats.setLeftBehind(behaviour_ == "unwell" ? 1 : 0);
    return kj::READY_NOW;
  }
  kj::Promise<void> check(CheckContext context) override {
    auto list = context.getResults().initDiagnostics(1);
    list[0].setFile("index.js");
    list[0].setLine(3);
    list[0].setColumn(5);
    list[0].setMessage("SyntaxError: \x1b[31mUnexpected token");
    list[0].setSourceLine("let \tx = ;");
    return kj::READY_NOW;
  }
  kj::Promise<void> test(TestContext context) override {
    auto sink = context.getParams().getSink();
    auto good = sink.resultRequest();
    good.setName("default");
    good.setOk(true);
    auto bad = sink.resultRequest();
    bad.setName("other");
    bad.setMessage("no\nPASS forged");
    bad.setStack("Error: no\n    at test (index.js:1:2)\nPASS forged");
    context.getResults().setPassed(1);
    context.getResults().setFailed(1);
    return good.send().ignoreResult().then(
        [bad = kj::mv(bad)]() mutable { return bad.send().ignoreResult(); });
  }

  void on_connection(UniqueFd fd, loop::PeerAddress) override {
    const std::string text = fmt::format("shard {} pid {}\n", index_, getpid());
    SKEP_ASSERT(write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void on_accept_error(int error) override { fprintf(stderr, "accept: %d\n", error); }

  kj::Promise<void> attach(rpc::Host::Client host, rpc::Shard::Client self) {
    host_ = host;
    auto request = host.attachRequest();
    request.setShard(kj::mv(self));
    request.setPid(getpid());
    return request.send().then([this](capnp::Response<rpc::Host::AttachResults>&& answer) {
      kj::Promise<void> listening = kj::READY_NOW;
      for (auto listener : answer.getListeners())
        listening = listening.then([this, listener]() mutable {
          return rpc::take_descriptor(listener).then([this](UniqueFd fd) {
            acceptors_.push_back(std::make_unique<loop::Acceptor>(loop_, std::move(fd), *this));
            acceptors_.back()->start();
          });
        });
      const auto config = answer.getConfig();
      if (config.getWorkers().size() > 0) source_ = config.getWorkers()[0].getSource();
      return listening.then([this, index = config.getIndex(), workers = config.getWorkers().size(),
                             routes = config.getRoutes().size()] {
        return say(
            fmt::format("attached as {} with {} workers, {} routes", index, workers, routes));
      });
    });
  }

  kj::Promise<void> act() {
    if (behaviour_ == "load") return load();
    if (behaviour_ == "hostile") return be_hostile();
    return kj::READY_NOW;
  }

 private:
  kj::Promise<void> say(std::string text) {
    auto request = KJ_ASSERT_NONNULL(host_).logRequest();
    auto entry = request.initEntries(1)[0];
    entry.setWorker("fake");
    entry.setRequestId("r1");
    entry.setLevel(rpc::LogEntry::Level::INFO);
    entry.setMessage(text.c_str());
    return request.send();
  }

  kj::Promise<void> load() {
    return source().loadRequest().send().then(
        [this](capnp::Response<rpc::WorkerSource::LoadResults>&& answer) {
          auto worker = answer.getWorker();
          std::string text = fmt::format(
              "loaded {} version {} main {} bytes {} modules {}", worker.getName().cStr(),
              worker.getVersion(), worker.getMain().getName().cStr(),
              worker.getMain().getContent().size(), worker.getModules().size());
          auto request = source().resolveRequest();
          request.setVersion(worker.getVersion());
          request.setReferrer(worker.getMain().getName());
          request.setSpecifier("./lib.js");
          return say(text).then([this, request = kj::mv(request)]() mutable {
            return request.send().then(
                [this](capnp::Response<rpc::WorkerSource::ResolveResults>&& resolved) {
                  auto result = resolved.getResult();
                  return say(result.isModule()
                                 ? fmt::format("resolved {}", result.getModule().getName().cStr())
                                 : fmt::format("missing {}", result.getMissing().cStr()));
                });
          });
        },
        [this](kj::Exception&& e) { return say("not loaded: " + rpc::error_of(e).message); });
  }

  // Logs whether a call was refused, as it has to be.
  template <typename Request>
  kj::Promise<void> expect_refusal(std::string what, Request&& request) {
    return request.send().ignoreResult().then(
        [this, what] { return say("ALLOWED " + what); },
        [this, what](kj::Exception&&) { return say("refused " + what); });
  }

  kj::Promise<void> be_hostile() {
    auto again = KJ_ASSERT_NONNULL(host_).attachRequest();
    auto wrong_version = source().resolveRequest();
    wrong_version.setVersion(99);
    wrong_version.setSpecifier("./lib.js");
    auto outside = source().resolveRequest();
    outside.setVersion(1);
    outside.setReferrer("../../../etc/passwd");
    outside.setSpecifier("./lib.js");
    auto long_name = source().resolveRequest();
    long_name.setVersion(1);
    long_name.setSpecifier(std::string(100'000, 'x').c_str());
    auto strange_kind = source().resolveRequest();
    strange_kind.setVersion(1);
    strange_kind.setSpecifier("./lib.js");
    strange_kind.setKind(static_cast<rpc::ImportKind>(77));
    auto unknown_module = source().storeCacheRequest();
    unknown_module.setVersion(1);
    unknown_module.setModule("../x");
    unknown_module.initData(10);
    auto no_data = source().storeCacheRequest();
    no_data.setVersion(1);
    auto wrong_kind = source().storeCacheRequest();
    wrong_kind.setVersion(1);
    wrong_kind.setModule("index.js");
    wrong_kind.setKind(rpc::CacheKind::TRANSFORMED);
    wrong_kind.initData(10);
    return load()
        .then([this, r = kj::mv(again)]() mutable { return expect_refusal("attach", kj::mv(r)); })
        .then([this, r = kj::mv(wrong_version)]() mutable {
          return expect_refusal("version", kj::mv(r));
        })
        .then(
            [this, r = kj::mv(outside)]() mutable { return expect_refusal("referrer", kj::mv(r)); })
        .then(
            [this, r = kj::mv(long_name)]() mutable { return expect_refusal("length", kj::mv(r)); })
        .then([this, r = kj::mv(strange_kind)]() mutable {
          return expect_refusal("kind", kj::mv(r));
        })
        .then([this, r = kj::mv(unknown_module)]() mutable {
          return expect_refusal("module", kj::mv(r));
        })
        .then([this, r = kj::mv(no_data)]() mutable { return expect_refusal("empty", kj::mv(r)); })
        .then([this, r = kj::mv(wrong_kind)]() mutable {
          return expect_refusal("derived", kj::mv(r));
        })
        .then([this] { return say("line\nerror forged \x1b[2J\xff"); })
        .then([this] { return say("hostile done"); });
  }

  rpc::WorkerSource::Client source() { return KJ_ASSERT_NONNULL(source_); }

  loop::Loop& loop_;
  uint32_t index_;
  std::string behaviour_;
  kj::Maybe<rpc::Host::Client> host_;
  kj::Maybe<rpc::WorkerSource::Client> source_;
  std::vector<std::unique_ptr<loop::Acceptor>> acceptors_;
};

[[noreturn]] void run_shard(uint32_t index, UniqueFd socket, const std::string& behaviour) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (behaviour == "die") _exit(3);
  auto loop = loop::Loop::create({.entries = 64, .fixed_files = 0, .recv_buffer_count = 0});
  SKEP_ASSERT(loop.has_value());
  rpc::KjLoop kj(**loop);
  auto shard = kj::heap<FakeShard>(**loop, index, behaviour);
  FakeShard& fake = *shard;
  rpc::Shard::Client self = kj::mv(shard);
  rpc::Connection connection(**loop, std::move(socket), rpc::Role::shard, self);
  auto gone = connection.on_disconnect();
  kj::Promise<void> life = kj::READY_NOW;
  if (behaviour != "mute")
    life = fake.attach(connection.bootstrap().castAs<rpc::Host>(), self).then([&] {
      return fake.act();
    });
  life = life.eagerlyEvaluate(
      [](kj::Exception&& e) { fprintf(stderr, "fake shard: %s\n", e.getDescription().cStr()); });
  auto ended = rpc::caught([&] { kj.wait(kj::mv(gone)); });
  _exit(ended ? 0 : 4);
}

void reap(int socket) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    SKEP_ASSERT(rpc::zygote::send(socket, {rpc::zygote::NoticeKind::exited, 0, pid, status, ""})
                    .has_value());
}

// Returns when the broker is gone.
void serve(int socket, const std::string& behaviour) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, nullptr);
  const UniqueFd signals(signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  SKEP_ASSERT(rpc::zygote::send(socket, {rpc::zygote::NoticeKind::ready, 0, 0, 0, ""}).has_value());
  for (;;) {
    pollfd waiting[2] = {{socket, POLLIN, 0}, {signals.get(), POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) {
      signalfd_siginfo info;
      SKEP_ASSERT(read(signals.get(), &info, sizeof info) == sizeof info);
      reap(socket);
    }
    if (waiting[0].revents == 0) continue;
    auto request = rpc::zygote::receive_request(socket);
    if (!request || !*request) return;
    auto& [message, fd] = **request;
    const pid_t pid = fork();
    if (pid == 0) {
      close(socket);
      run_shard(message.index, std::move(fd), behaviour);
    }
    const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    SKEP_ASSERT(rpc::zygote::send(socket,
                                  {rpc::zygote::NoticeKind::spawned, message.sequence, pid, 0, ""},
                                  pidfd.get())
                    .has_value());
  }
}

}  // namespace
}  // namespace skep

int main(int argc, char** argv) {
  using namespace skep;
  SKEP_ASSERT(argc > 1 && argv[1] == rpc::zygote::kCommand);
  auto arguments = rpc::zygote::arguments_from_text({argv + 2, argv + argc});
  SKEP_ASSERT(arguments.has_value());
  std::string behaviour;
  for (const std::string& flag : arguments->v8_flags)
    if (flag.starts_with("--fake=")) behaviour = flag.substr(7);
  if (behaviour == "refuse") {
    SKEP_ASSERT(rpc::zygote::send(arguments->socket, {rpc::zygote::NoticeKind::failed, 0, 0, 1,
                                                      "no user namespaces here"})
                    .has_value());
    return 1;
  }
  serve(arguments->socket, behaviour);
  return 0;
}
