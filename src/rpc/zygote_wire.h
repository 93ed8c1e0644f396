// What broker and zygote say to each other: fixed structs over a SOCK_SEQPACKET socket, a
// descriptor beside them where one is named. Not Cap'n Proto, because the zygote must stay
// single-threaded and simple: whatever it has in memory, every shard inherits. Used by the broker
// (broker/zygote_client) and by the zygote's loop (shard/).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace skep::rpc::zygote {

// ---- How the broker starts it: skep zygote OPTION…
// -------------------------------------------------

inline constexpr std::string_view kCommand = "zygote";  // hidden first argument of skep

struct Arguments {
  int socket = -1;               // inherited; the broker's end is in the broker
  bool reduced_sandbox = false;  // --sandbox=reduced: go on without what the kernel lacks
  uid_t uid = 0;                 // whom shards are mapped to outside their user namespace
  gid_t gid = 0;
  std::vector<std::string> v8_flags;
};

// Without the program's name; begins with kCommand.
std::vector<std::string> arguments_to_text(const Arguments& arguments);
// `text` begins after kCommand.
Result<Arguments> arguments_from_text(const std::vector<std::string>& text);

// ---- Broker to zygote
// ------------------------------------------------------------------------------

// Fork a shard. The descriptor beside it is the shard's end of its RPC socket.
struct SpawnRequest {
  uint32_t index = 0;     // of the shard: its core
  uint32_t sequence = 0;  // comes back in the answer
};

// ---- Zygote to broker
// ------------------------------------------------------------------------------

enum class NoticeKind : uint32_t {
  ready = 1,    // V8 is initialised; spawn requests are served from now on. text: what the sandbox
                // lacks, one item a line, empty where nothing is missing
  spawned = 2,  // answer: pid, as the broker sees it, and the pidfd beside it
  failed =
      3,  // answer: status is an errno, text a sentence. sequence 0: the zygote itself gives up
  exited = 4,  // pid has ended; status is that of waitpid(2)
};

struct Notice {
  NoticeKind kind = NoticeKind::ready;
  uint32_t sequence = 0;
  int32_t pid = 0;
  int32_t status = 0;
  std::string text;  // cut at kNoticeTextBytes
};

inline constexpr size_t kNoticeTextBytes = 1000;

template <typename Message>
struct Received {
  Message message;
  UniqueFd fd;  // unset where none came
};

// Plain blocking system calls unless the socket is non-blocking (then EAGAIN is an error with that
// code). fd -1: none. The descriptor stays the caller's.
Result<> send(int socket, const SpawnRequest& request, int fd);
Result<> send(int socket, const Notice& notice, int fd = -1);
// nullopt: the other side is gone. A message of the wrong shape is an error.
Result<std::optional<Received<SpawnRequest>>> receive_request(int socket);
Result<std::optional<Received<Notice>>> receive_notice(int socket);

}  // namespace skep::rpc::zygote
