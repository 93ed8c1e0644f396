// The listening sockets: opened once by the broker, handed to each shard, kept open while a shard
// is replaced, so connections wait instead of failing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/skep_toml.h"

namespace skep::broker {

class Listeners {
 public:
  // For TCP one SO_REUSEPORT socket a shard, between which the kernel spreads connections; a UNIX
  // socket is shared by all. Errors say which address, why and, where it can be found out, who has
  // it.
  static Result<std::unique_ptr<Listeners>> open(
      const std::vector<config::ListenAddress>& addresses, unsigned shards);
  // Removes the files of UNIX sockets.
  ~Listeners();
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Duplicates for one shard, one an address. Errors: no descriptors left.
  Result<std::vector<UniqueFd>> of_shard(unsigned index) const;
  // "http://127.0.0.1:8080", "unix:/run/skep/http.sock"; with the real port where 0 was asked for.
  const std::vector<std::string>& names() const { return names_; }

 private:
  Listeners() = default;
  Result<> open_tcp(const config::ListenAddress& address, unsigned shards);
  Result<> open_unix(const config::ListenAddress& address);

  std::vector<std::vector<UniqueFd>> sockets_;  // by address; one, or one a shard
  std::vector<std::string> names_;
  std::vector<std::string> socket_files_;
};

}  // namespace skep::broker
