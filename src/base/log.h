// The log of a trusted process (broker, zygote, command line): one line an entry, to stderr.
// A shard has no stderr of its own worth having; what it logs goes to the broker over RPC.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace skep {

enum class LogLevel { debug, info, warn, error };

// Under systemd (JOURNAL_STREAM) lines carry the "<N>" priority prefix; on a terminal, colours.
void log_line(LogLevel level, std::string_view message);
// Entries below this are dropped. Default: info.
void set_log_level(LogLevel level);
std::string_view log_level_name(LogLevel level);

template <typename... Args>
void log_debug(fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void log_info(fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::info, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void log_warn(fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::warn, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void log_error(fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::error, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace skep
