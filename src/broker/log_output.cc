#include "broker/log_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/limits.h"

namespace skep::broker {
namespace {

constexpr std::string_view kReset = "\x1b[0m";

struct Decoded {
  char32_t code;
  size_t bytes;  // 0: not UTF-8
};

// RFC 3629: the shortest form only, no surrogates, nothing past U+10FFFF.
Decoded decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xc2 && first < 0xe0 && follows(1))
    return {static_cast<char32_t>((first & 0x1f) << 6 | (byte(1) & 0x3f)), 2};
  if (first >= 0xe0 && first < 0xf0 && follows(1) && follows(2)) {
    const auto code =
        static_cast<char32_t>((first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f));
    if (code >= 0x800 && (code < 0xd800 || code > 0xdfff)) return {code, 3};
  }
  if (first >= 0xf0 && first < 0xf5 && follows(1) && follows(2) && follows(3)) {
    const auto code = static_cast<char32_t>((first & 0x07) << 18 | (byte(1) & 0x3f) << 12 |
                                            (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f));
    if (code >= 0x10000 && code <= 0x10ffff) return {code, 4};
  }
  return {first, 0};
}

// Line and paragraph separators, marks and overrides of direction, and the invisible operators:
// with them a line can look like another. Joiners stay, since emoji and scripts need them.
bool reorders(char32_t code) {
  return code == 0x061c || code == 0x200b || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

void append_escape(std::string& out, char32_t code) {
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += code <= 0xff ? fmt::format("\\x{:02x}", static_cast<unsigned>(code))
                      : fmt::format("\\u{{{:x}}}", static_cast<unsigned>(code));
}

std::string_view level_text(EntryLevel level) {
  static constexpr std::string_view kNames[] = {"debug", "log", "info", "warn", "error"};
  return kNames[static_cast<size_t>(level)];
}

std::string_view level_colour(EntryLevel level) {
  switch (level) {
    case EntryLevel::debug:
      return "\x1b[2m";
    case EntryLevel::warn:
      return "\x1b[33m";
    case EntryLevel::error:
      return "\x1b[31m";
    case EntryLevel::log:
    case EntryLevel::info:
      break;
  }
  return "";
}

// RFC 9110's phrases for what Workers answer often; others stand without one.
std::string_view reason_of(uint16_t status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

// "https://host/path?query" to "/path?query": a person knows which host he asked.
std::string_view path_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  const size_t slash = url.find('/', scheme + 3);
  return slash == std::string_view::npos ? "/" : url.substr(slash);
}

std::string_view status_colour(uint16_t status) {
  if (status >= 500) return "\x1b[31m";
  if (status >= 400) return "\x1b[33m";
  if (status >= 300) return "\x1b[36m";
  return "\x1b[32m";
}

std::string format_request(const LogEntryView& entry, bool colour) {
  std::string status = fmt::format("{}", entry.status);
  const std::string_view reason = reason_of(entry.status);
  if (!reason.empty()) status += fmt::format(" {}", reason);
  if (colour) status = fmt::format("{}{}{}", status_colour(entry.status), status, kReset);
  const uint64_t ms = (entry.duration_us + 500) / 1000;
  std::string line = fmt::format("{} {} {} ({}ms)", printable(entry.method),
                                 printable(path_of(entry.url)), status, ms);
  if (!entry.outcome.empty() && entry.outcome != "ok")
    line += fmt::format(" {}", printable(entry.outcome));
  return line;
}

std::string_view cut(std::string_view text) {
  return text.substr(0, std::min(text.size(), limits::kLogMessageBytes));
}

std::string format_for_person(const LogEntryView& entry, bool colour) {
  if (entry.kind == EntryKind::request) return format_request(entry, colour);
  std::string text = printable(cut(entry.message), true);
  // A stack begins with the message as V8 writes it.
  if (!entry.stack.empty())
    text = entry.stack.starts_with(entry.message)
               ? printable(cut(entry.stack), true)
               : fmt::format("{}\n    {}", text, printable(cut(entry.stack), true));
  if (entry.kind == EntryKind::exception) text = "Uncaught " + text;
  const std::string_view paint = colour ? level_colour(entry.level) : "";
  if (!paint.empty()) return fmt::format("{}{}{}", paint, text, kReset);
  const bool marked = entry.level == EntryLevel::warn || entry.level == EntryLevel::error;
  return marked ? fmt::format("{}: {}", level_text(entry.level), text) : text;
}

std::string format_for_service(const LogEntryView& entry) {
  std::string line(level_text(entry.level));
  if (!entry.worker.empty()) line += fmt::format(" worker={}", printable(entry.worker));
  if (!entry.request_id.empty()) line += fmt::format(" request={}", printable(entry.request_id));
  switch (entry.kind) {
    case EntryKind::request:
      return line + fmt::format(" {} {} {} outcome={} duration_us={} cpu_us={}",
                                printable(entry.method), printable(entry.url), entry.status,
                                printable(entry.outcome), entry.duration_us, entry.cpu_us);
    case EntryKind::exception:
      line += " uncaught";
      break;
    case EntryKind::limit:
      line += " limit";
      break;
    case EntryKind::console:
    case EntryKind::shard:
      break;
  }
  const bool repeated = entry.stack.starts_with(entry.message) && !entry.stack.empty();
  if (!repeated) line += " " + printable(cut(entry.message));
  if (!entry.stack.empty()) line += " " + printable(cut(entry.stack));
  return line;
}

void write_line(int fd, std::string line) {
  line += '\n';
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(fd, line.data() + done, line.size() - done);
    if (n <= 0) return;  // nobody reads: there is nowhere to say so
    done += static_cast<size_t>(n);
  }
}

// sd-daemon(3): syslog priorities.
std::string_view journal_prefix(EntryLevel level) {
  switch (level) {
    case EntryLevel::debug:
      return "<7>";
    case EntryLevel::warn:
      return "<4>";
    case EntryLevel::error:
      return "<3>";
    case EntryLevel::log:
    case EntryLevel::info:
      break;
  }
  return "<6>";
}

}  // namespace

std::string printable(std::string_view text, bool keep_newlines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded decoded = decode(text);
    if (decoded.bytes == 0) {
      append_escape(out, decoded.code);
      text.remove_prefix(1);
      continue;
    }
    const bool control = decoded.code < 0x20 || (decoded.code >= 0x7f && decoded.code <= 0x9f);
    if (keep_newlines && decoded.code == '\n') {
      out += "\n  ";
    } else if (keep_newlines && decoded.code == '\t') {
      out += '\t';
    } else if (control || reorders(decoded.code)) {
      append_escape(out, decoded.code);
    } else {
      out += text.substr(0, decoded.bytes);
    }
    text.remove_prefix(decoded.bytes);
  }
  return out;
}

std::string format_entry(const LogEntryView& entry, LogForm form, bool colour) {
  return form == LogForm::person ? format_for_person(entry, colour) : format_for_service(entry);
}

LogOutput::LogOutput(LogForm form, int fd)
    : form_(form),
      fd_(fd),
      colour_(isatty(fd) && std::getenv("NO_COLOR") == nullptr),
      journal_(std::getenv("JOURNAL_STREAM") != nullptr) {}

void LogOutput::write(const LogEntryView& entry) {
  std::string line = format_entry(entry, form_, colour_);
  if (form_ == LogForm::service && journal_) line.insert(0, journal_prefix(entry.level));
  write_line(fd_, std::move(line));
}

RateLimit::RateLimit(int64_t per_second, int64_t burst)
    : per_ns_(static_cast<double>(per_second) / 1e9),
      burst_(static_cast<double>(burst)),
      left_(burst_) {}

bool RateLimit::take(int64_t amount, int64_t now_ns) {
  if (last_ns_ >= 0)
    left_ = std::min(burst_, left_ + static_cast<double>(now_ns - last_ns_) * per_ns_);
  last_ns_ = now_ns;
  if (left_ < static_cast<double>(amount)) return false;
  left_ -= static_cast<double>(amount);
  return true;
}

}  // namespace skep::broker
