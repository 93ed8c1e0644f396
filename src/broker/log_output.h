// What shards have to say, written down: console messages, exceptions, limits, request lines. Owned
// by the broker. Every text in an entry comes from a tenant's code or from a stranger's request:
// nothing of it may move a terminal's cursor or forge a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skep::broker {

// Control characters, invalid UTF-8 and characters that reorder text become escapes (\n, \x1b, …).
// keep_newlines: line feeds and tabs stay; what follows a line feed is indented.
std::string printable(std::string_view text, bool keep_newlines = false);

enum class EntryLevel { debug, log, info, warn, error };
enum class EntryKind { console, exception, limit, request, shard };

struct LogEntryView {
  EntryLevel level = EntryLevel::log;
  EntryKind kind = EntryKind::console;
  std::string_view worker, request_id, message, stack;
  // kind request
  std::string_view method, url, outcome;
  uint16_t status = 0;
  uint64_t duration_us = 0, cpu_us = 0;
};

// "GET /path 200 OK (3ms)" for a person, "info worker=NAME request=ID …" for a service.
enum class LogForm { person, service };

// One entry as text, without a newline at its end. colour: for a terminal; person's form only.
std::string format_entry(const LogEntryView& entry, LogForm form, bool colour);

// Writes entries, one write(2) each, to a descriptor that stays the caller's.
class LogOutput {
 public:
  LogOutput(LogForm form, int fd);
  void write(const LogEntryView& entry);

 private:
  LogForm form_;
  int fd_;
  bool colour_;
  bool journal_;  // lines carry a priority prefix
};

// How much of something may pass: `burst` at once and `per_second` after it.
class RateLimit {
 public:
  RateLimit(int64_t per_second, int64_t burst);
  // Takes `amount` if there is so much left.
  bool take(int64_t amount, int64_t now_ns);

 private:
  double per_ns_, burst_, left_;
  int64_t last_ns_ = -1;
};

}  // namespace skep::broker
