// The access log: one line a request, in a file that the broker opened while it still had the
// right to, appended in batches by a thread of its own, so that a full disk or a slow reader holds
// up nothing else. What the file does not take in time is dropped and counted. Owned by the broker;
// everything in an entry is a stranger's text.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/edge.h"

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
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // Whose the file is from now on: the user that the broker becomes, so that it can be opened anew.
  Result<> give_to(uint32_t uid, uint32_t gid);
  void write(const AccessEntryView& entry);
  // The file was moved away: goes on in a new one of that name.
  void reopen();

  // Lines that never came this far.
  void add_dropped(uint64_t lines);

  uint64_t written() const;
  uint64_t dropped() const;

 private:
  explicit AccessLog(const config::AccessLogConfig& config) : config_(config) {}
  void run();

  const config::AccessLogConfig config_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  UniqueFd file_;
  std::string waiting_;
  uint64_t waiting_lines_ = 0;
  uint64_t written_ = 0, dropped_ = 0;
  bool ending_ = false;
  bool broken_ = false;  // said once that the file takes nothing
  std::thread thread_;
};

}  // namespace skep::broker
