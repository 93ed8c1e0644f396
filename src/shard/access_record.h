// One line of the access log on its way to the broker, which formats and writes it. Made when a
// request begins, where the log is on; sent when it is over. On the loop's thread.
#pragma once

#include <cstdint>
#include <string>

namespace skep::shard {

struct AccessRecord {
  std::string worker, client, method, url, protocol, referer, user_agent, ray, trace, outcome, tls;
  uint16_t status = 0;  // 0: the client left before a response
  uint64_t bytes = 0;   // of the body, as sent
  double started_ms = 0;
  uint64_t duration_us = 0, cpu_us = 0;
};

}  // namespace skep::shard
