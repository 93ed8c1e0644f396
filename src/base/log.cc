#include "base/log.h"

#include <unistd.h>

#include <cstdlib>

namespace skep {
namespace {

// The log's level and form are facts of the process, set once by its main function.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
LogLevel g_level = LogLevel::info;

enum class Form { plain, colour, journal };

Form form() {
  static const Form kForm = [] {
    if (std::getenv("JOURNAL_STREAM") != nullptr) return Form::journal;
    if (isatty(STDERR_FILENO) && std::getenv("NO_COLOR") == nullptr) return Form::colour;
    return Form::plain;
  }();
  return kForm;
}

std::string_view prefix(LogLevel level) {
  static constexpr std::string_view kPlain[] = {"debug: ", "", "warning: ", "error: "};
  static constexpr std::string_view kColour[] = {
      "\x1b[2mdebug:\x1b[0m ", "", "\x1b[33mwarning:\x1b[0m ", "\x1b[31merror:\x1b[0m "};
  // sd-daemon(3): syslog priorities.
  static constexpr std::string_view kJournal[] = {"<7>", "<6>", "<4>", "<3>"};
  const auto index = static_cast<size_t>(level);
  switch (form()) {
    case Form::plain:
      return kPlain[index];
    case Form::colour:
      return kColour[index];
    case Form::journal:
      return kJournal[index];
  }
  return "";
}

}  // namespace

void set_log_level(LogLevel level) {
  g_level = level;
}

std::string_view log_level_name(LogLevel level) {
  static constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
  return kNames[static_cast<size_t>(level)];
}

void log_line(LogLevel level, std::string_view message) {
  if (level < g_level) return;
  std::string line = fmt::format("{}{}\n", prefix(level), message);
  // One write a line, so that lines of several processes never mix.
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

}  // namespace skep
