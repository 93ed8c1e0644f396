// The access log: one line a request, in a file that the broker opened while it still had the
// right to, appended in batches by operations of the ring, so that a full disk or a slow reader
// holds up nothing else. What the file does not take in time is dropped and counted. Owned by the
// broker, on its loop; everything in an entry is a stranger's text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/edge.h"
#include "loop/loop.h"

namespace skep::broker {

struct AccessEntryView {
  std::string_view worker, client, method, url, protocol, referer, user_agent, ray, trace, outcome,
      tls;
  uint16_t status = 0;
  uint64_t bytes = 0, duration_us = 0, cpu_us = 0;
  double started_ms = 0;
};

// One line with its newline. Nothing in it but printable ASCII: the rest is escaped.
std::string format_access(const AccessEntryView& entry, config::AccessFormat format);

class AccessLog {
 public:
  // Opens the file. Errors: it cannot be opened or made.
  static Result<std::unique_ptr<AccessLog>> open(const config::AccessLogConfig& config);
  // Writes what it has, as far as that does not wait.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // Whose the file is from now on: the user that the broker becomes, so that it can be opened anew.
  Result<> give_to(uint32_t uid, uint32_t gid);
  // Lines are kept until then. The loop outlives the log.
  void start(loop::Loop& loop);
  void write(const AccessEntryView& entry);
  // The file was moved away: goes on in a new one of that name.
  void reopen();
  // Lines that never came this far.
  void add_dropped(uint64_t lines);

  uint64_t written() const;
  uint64_t dropped() const;

 private:
  struct State;  // outlives the log while a write is in flight

  explicit AccessLog(const config::AccessLogConfig& config);

  const config::AccessLogConfig config_;
  State* state_;
};

}  // namespace skep::broker
