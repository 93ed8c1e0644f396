// One life of one shard: from the request to fork it until its process has ended. Owned by the
// supervisor, which makes another one after it.
#pragma once

#include <kj/async.h>
#include <kj/debug.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/host_server.h"
#include "broker/readiness.h"
#include "broker/zygote_client.h"
#include "loop/loop.h"
#include "rpc/connection.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

class ShardProcess final : private kj::TaskSet::ErrorHandler {
 public:
  enum class State { starting, attached, draining, closing, ended };

  struct Callbacks {
    // Gives the listening sockets.
    std::function<Result<std::vector<UniqueFd>>()> listeners;
    // All that follows is called on the loop's stack, outside of KJ.
    std::function<void()> on_attached;
    std::function<void()> on_drained;
    // It serves, but should not for long: it says that it left isolates behind. Once.
    std::function<void()> on_unwell;
    // The process is gone: what is left may be destroyed, also from within the call.
    std::function<void()> on_ended;
  };

  // watch_silence: a shard that does not answer for limits::kShardSilentMs is killed.
  ShardProcess(HostServices& services, uint32_t index, uint32_t sequence,
               std::shared_ptr<ZygoteClient> zygote, bool watch_silence, Callbacks callbacks);
  ~ShardProcess() noexcept;
  KJ_DISALLOW_COPY_AND_MOVE(ShardProcess);

  // Asks the zygote for the fork.
  Result<> start();
  // The zygote's answers.
  void spawned(pid_t pid, UniqueFd pidfd);
  void spawn_failed();
  // The zygote is gone: without an answer of it there is no process.
  void zygote_gone();
  const std::shared_ptr<ZygoteClient>& zygote() const { return zygote_; }

  // Ends the process at once. `why` is for the log: reason() gives it.
  void kill(std::string why);
  // Asks it to finish what it has; on_drained follows, or on_ended. One that does neither in time
  // is killed.
  void drain();
  // Closes the connection: a shard without a broker ends.
  void close();
  void reload(uint32_t worker, uint64_t version);
  void update_tls();

  State state() const { return state_; }
  uint32_t sequence() const { return sequence_; }
  pid_t pid() const { return pid_; }
  int64_t attached_ns() const { return attached_ns_; }
  // Why the broker killed it; empty where it did not.
  const std::string& reason() const { return reason_; }
  // Of an attached shard.
  rpc::Shard::Client shard() { return KJ_ASSERT_NONNULL(shard_); }

 private:
  void taskFailed(kj::Exception&& exception) override;
  Result<std::vector<UniqueFd>> attached(rpc::Shard::Client shard);
  void on_disconnected();
  void ping();
  void ended();

  HostServices& services_;
  uint32_t index_;
  uint32_t sequence_;
  std::shared_ptr<ZygoteClient> zygote_;
  bool watch_silence_;
  Callbacks callbacks_;
  State state_ = State::starting;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  int64_t attached_ns_ = 0;
  std::string reason_;

  std::optional<Readiness> process_ended_;
  loop::Timer deadline_;  // to attach; to end after the connection was lost; to answer a ping
  loop::Timer next_ping_;
  loop::Deferred notices_;  // carries what KJ's promises tell over to the loop's stack
  bool tell_attached_ = false, tell_drained_ = false, tell_disconnected_ = false;
  bool tell_unwell_ = false, unwell_ = false;

  HostServer* host_ = nullptr;  // lives with the connection
  // Last: destroyed first, with everything that refers to the above.
  std::optional<rpc::Connection> connection_;
  kj::Maybe<rpc::Shard::Client> shard_;
  kj::TaskSet tasks_{*this};
};

}  // namespace skep::broker
