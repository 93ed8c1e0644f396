// Names to addresses for outbound connections: c-ares over the broker's loop, so that nothing
// waits. It reads /etc/hosts and /etc/resolv.conf, or asks the servers of skep.toml, and remembers
// answers as long as they say, within bounds. What it returns is a stranger's word: the policy
// looks at each address. In the broker, on its loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/outbound_policy.h"
#include "loop/loop.h"

namespace skep::broker {

class Resolver {
 public:
  struct Answer {
    std::vector<IpBytes> addresses;  // the best first
    // 0, or why there are none: ENOENT no such name, ETIMEDOUT no answer, EAGAIN too many ask,
    // EIO the servers failed.
    int code = 0;
  };
  using Done = std::function<void(const Answer&)>;

  // servers: "1.2.3.4", "1.2.3.4:53", "[::1]:53"; none: those of /etc/resolv.conf.
  static Result<std::unique_ptr<Resolver>> create(loop::Loop& loop,
                                                  const std::vector<std::string>& servers);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // name: of read_host(). `done` is called once, possibly at once; never where the resolver goes
  // first.
  void resolve(const std::string& name, Done done);

  struct Stats {
    size_t names = 0, asking = 0, waiting = 0;
  };
  Stats stats() const;

 private:
  struct Impl;
  explicit Resolver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skep::broker
