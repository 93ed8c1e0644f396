// The broker's end of a zygote: starts the process, asks it for shards, hears what became of them.
// Whoever holds a shard holds its zygote too, since shards end with the process that forked them;
// when the last holder goes, the socket closes and the zygote ends.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/readiness.h"
#include "loop/loop.h"
#include "rpc/zygote_wire.h"

namespace skep::broker {

struct ZygoteOptions {
  std::string program;               // empty: /proc/self/exe
  rpc::zygote::Arguments arguments;  // `socket` is filled in here
};

class ZygoteClient {
 public:
  // All are called on the loop's stack, never from within a call of this class.
  struct Callbacks {
    std::function<void(const std::string& missing)> on_ready;
    std::function<void(uint32_t sequence, pid_t pid, UniqueFd pidfd)> on_spawned;
    std::function<void(uint32_t sequence, const std::string& why)> on_failed;
    std::function<void(pid_t pid, int status)> on_exited;
    // The zygote itself is gone or has broken the protocol; `why` is a sentence.
    std::function<void(const std::string& why)> on_gone;
  };

  static Result<std::shared_ptr<ZygoteClient>> start(loop::Loop& loop, const ZygoteOptions& options,
                                                     Callbacks callbacks);

  // Asks for a shard that speaks on `socket` (which stays the caller's). Before on_ready: waits in
  // the socket.
  Result<> spawn(uint32_t index, uint32_t sequence, int socket);
  pid_t pid() const { return pid_; }
  bool ready() const { return ready_; }
  int64_t started_ns() const { return started_ns_; }
  // Its socket is closed at the other end; no shard will come of it.
  bool gone() const { return gone_; }

 private:
  ZygoteClient(loop::Loop& loop, UniqueFd socket, pid_t pid, Callbacks callbacks);
  void on_readable();
  void handle(rpc::zygote::Received<rpc::zygote::Notice> received);
  void end(std::string why);

  UniqueFd socket_;
  pid_t pid_;
  int64_t started_ns_;
  Callbacks callbacks_;
  bool ready_ = false;
  bool gone_ = false;
  std::string last_words_;  // of a zygote that gave up
  Readiness readiness_;
  std::weak_ptr<ZygoteClient> self_;
};

// "killed by signal 11 (Segmentation fault)", "ended with status 1".
std::string describe_wait_status(int status);

}  // namespace skep::broker
