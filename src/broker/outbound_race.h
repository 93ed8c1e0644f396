// A TCP connection to the first of some addresses that answers (RFC 8305 in a simple form): they
// are tried in turn, the next one when the one before failed or has said nothing for a while. In
// the broker, on its loop; destroying it gives up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "broker/outbound_policy.h"
#include "loop/loop.h"

namespace skep::broker {

class ConnectRace {
 public:
  struct Winner {
    UniqueFd fd;
    IpBytes address;
  };
  // `done` is called once, on the loop's stack and not from within the constructor, and may destroy
  // the race. Errors: of the first address; ETIMEDOUT when none answers in time.
  using Done = std::function<void(Result<Winner>)>;

  // addresses: checked by the caller, at least one.
  ConnectRace(loop::Loop& loop, std::vector<IpBytes> addresses, uint16_t port, Done done);
  ~ConnectRace();
  ConnectRace(const ConnectRace&) = delete;
  ConnectRace& operator=(const ConnectRace&) = delete;

 private:
  class Try;
  void next();
  void tried(Try& one, int32_t result);
  void finish(Result<Winner> result);

  loop::Loop& loop_;
  const std::vector<IpBytes> addresses_;
  const uint16_t port_;
  Done done_;
  size_t next_ = 0;
  std::vector<Try*> running_;
  int first_error_ = 0;
  loop::Deferred begin_;
  loop::Timer stagger_, deadline_;
};

}  // namespace skep::broker
