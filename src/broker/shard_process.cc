#include "broker/shard_process.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "base/limits.h"
#include "base/log.h"
#include "rpc/outcome.h"

namespace skep::broker {
namespace {

// After its connection is lost, a shard has so long to end by itself.
constexpr int64_t kLastBreathMs = 1'000;
// Beyond what a shard gives its requests when it is told to drain.
constexpr int64_t kDrainGraceMs = 2'000;

}  // namespace

ShardProcess::ShardProcess(HostServices& services, uint32_t index, uint32_t sequence,
                           std::shared_ptr<ZygoteClient> zygote, bool watch_silence,
                           Callbacks callbacks)
    : services_(services),
      index_(index),
      sequence_(sequence),
      zygote_(std::move(zygote)),
      watch_silence_(watch_silence),
      callbacks_(std::move(callbacks)),
      deadline_(services.loop,
                [this] {
                  kill(state_ == State::starting  ? "it did not attach in time"
                       : state_ == State::closing ? "it did not end in time"
                                                  : "its loop did not answer");
                }),
      next_ping_(services.loop, [this] { ping(); }),
      notices_([this] {
        // Each call may destroy this, so nothing may follow one that was made.
        if (std::exchange(tell_attached_, false)) {
          if (tell_unwell_ || tell_drained_ || tell_disconnected_) services_.loop.defer(notices_);
          return callbacks_.on_attached();
        }
        if (std::exchange(tell_unwell_, false)) {
          if (tell_drained_ || tell_disconnected_) services_.loop.defer(notices_);
          return callbacks_.on_unwell();
        }
        if (std::exchange(tell_drained_, false)) {
          if (tell_disconnected_) services_.loop.defer(notices_);
          return callbacks_.on_drained();
        }
        if (std::exchange(tell_disconnected_, false)) on_disconnected();
      }) {}

ShardProcess::~ShardProcess() noexcept = default;

Result<> ShardProcess::start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno("socketpair for a shard", errno);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  auto host = kj::heap<HostServer>(
      services_, index_, [this](rpc::Shard::Client shard) { return attached(kj::mv(shard)); });
  host_ = host.get();
  connection_.emplace(services_.loop, std::move(ours), rpc::Role::broker,
                      rpc::Host::Client(kj::mv(host)));
  tasks_.add(connection_->on_disconnect().then([this] {
    tell_disconnected_ = true;
    services_.loop.defer(notices_);
  }));
  deadline_.set_ms(limits::kShardAttachMs);
  return zygote_->spawn(index_, sequence_, theirs.get());
}

void ShardProcess::spawned(pid_t pid, UniqueFd pidfd) {
  pid_ = pid;
  pidfd_ = std::move(pidfd);
  process_ended_.emplace(services_.loop, pidfd_.get(), [this] { ended(); });
  process_ended_->watch();
  if (!reason_.empty()) kill(reason_);  // given up while it was being forked
}

void ShardProcess::spawn_failed() {
  ended();
}

void ShardProcess::zygote_gone() {
  if (!pidfd_) ended();
}

Result<std::vector<UniqueFd>> ShardProcess::attached(rpc::Shard::Client shard) {
  if (state_ != State::starting) return fail("this shard is not expected to attach");
  SKEP_TRY_ASSIGN(auto listeners, callbacks_.listeners());
  shard_ = kj::mv(shard);
  state_ = State::attached;
  attached_ns_ = services_.loop.now_ns();
  deadline_.cancel();
  if (watch_silence_) next_ping_.set_ms(limits::kShardPingMs);
  tell_attached_ = true;
  services_.loop.defer(notices_);
  return listeners;
}

void ShardProcess::ping() {
  if (state_ != State::attached && state_ != State::draining) return;
  if (connection_->queued_bytes() > limits::kRpcQueuedBytes)
    return kill("it asks for more than it reads");
  deadline_.set_ms(limits::kShardSilentMs);
  tasks_.add(shard().statsRequest().send().then([this](auto&& answer) {
    if (state_ != State::attached) return;
    deadline_.cancel();
    next_ping_.set_ms(limits::kShardPingMs);
    if (answer.getStats().getLeftBehind() == 0 || std::exchange(unwell_, true)) return;
    tell_unwell_ = true;
    services_.loop.defer(notices_);
  }));
}

void ShardProcess::kill(std::string why) {
  if (reason_.empty()) reason_ = std::move(why);
  deadline_.cancel();
  next_ping_.cancel();
  if (pidfd_) {
    // By the descriptor: the number may belong to another process by now.
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  } else if (!zygote_->gone()) {
    // It should have answered long ago: it is stuck, and nothing more will come of it.
    ::kill(zygote_->pid(), SIGKILL);
  }
}

void ShardProcess::drain() {
  if (state_ != State::attached) return;
  state_ = State::draining;
  next_ping_.cancel();
  deadline_.set_ms(limits::kDrainMs + kDrainGraceMs);
  tasks_.add(shard().drainRequest().send().ignoreResult().then([this] {
    tell_drained_ = true;
    services_.loop.defer(notices_);
  }));
}

void ShardProcess::close() {
  if (state_ == State::closing || state_ == State::ended) return;
  state_ = State::closing;
  next_ping_.cancel();
  tasks_.clear();
  shard_ = nullptr;
  host_ = nullptr;
  connection_.reset();
  deadline_.set_ms(kLastBreathMs);
}

void ShardProcess::reload(uint32_t worker, uint64_t version) {
  if (state_ != State::attached) return;
  auto request = shard().reloadRequest();
  request.setWorker(worker);
  request.setVersion(version);
  tasks_.add(request.send().ignoreResult());
}

void ShardProcess::update_tls() {
  if (state_ != State::attached || host_ == nullptr) return;
  auto request = shard().updateTlsRequest();
  host_->write_tls(request.initTls());
  tasks_.add(request.send().ignoreResult());
}

void ShardProcess::on_disconnected() {
  if (state_ == State::ended) return;
  close();
}

void ShardProcess::ended() {
  if (state_ == State::ended) return;
  state_ = State::ended;
  deadline_.cancel();
  next_ping_.cancel();
  const auto call = callbacks_.on_ended;  // it may destroy this
  call();
}

void ShardProcess::taskFailed(kj::Exception&& exception) {
  // Most often the connection was lost, which is told elsewhere.
  log_debug("shard {}: {}", index_, rpc::error_of(exception).message);
}

}  // namespace skep::broker
