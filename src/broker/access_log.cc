#include "broker/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "base/limits_edge.h"
#include "base/log.h"

namespace skep::broker {
namespace {

using config::AccessFormat;

// How long a write may find no room before what it holds is given up.
constexpr int kWriteMs = 1'000;

Result<UniqueFd> open_file(const std::string& path) {
  // Not blocking, for the sake of pipes: without a reader, or with a slow one.
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640));
  if (!fd) return fail_errno(fmt::format("cannot open the access log {}", path), errno);
  return fd;
}

// As Apache does: \xhh for what is no printable ASCII, and for what would end a quoted field.
void append_escaped(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += '-';
    return;
  }
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c < 0x20 || c == 0x7f || static_cast<unsigned char>(c) >= 0x80) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
}

// A field that is not quoted has no spaces either.
void append_word(std::string& out, std::string_view text) {
  const size_t before = out.size();
  append_escaped(out, text);
  for (size_t i = before; i < out.size(); i++) {
    if (out[i] == ' ') out[i] = '+';
  }
}

// ASCII only; bytes that are no UTF-8 cannot break what reads the log.
void append_json(std::string& out, std::string_view key, std::string_view text) {
  out += fmt::format(",\"{}\":\"", key);
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c < 0x20 || c == 0x7f || static_cast<unsigned char>(c) >= 0x80) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

struct Moment {
  std::tm parts{};
  int ms = 0;
};

Moment moment_of(double since_epoch_ms) {
  // Of a shard: it may be anything.
  const double bounded =
      since_epoch_ms >= 0 && since_epoch_ms < 253402300800e3 ? since_epoch_ms : 0;
  const auto whole = static_cast<int64_t>(bounded);
  const std::time_t seconds = whole / 1000;
  Moment moment{.ms = static_cast<int>(whole % 1000)};
  gmtime_r(&seconds, &moment.parts);
  return moment;
}

std::string common_time(double ms) {
  static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm t = moment_of(ms).parts;
  return fmt::format("[{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000]", t.tm_mday,
                     kMonths[static_cast<size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min,
                     t.tm_sec);
}

// "https://host/path?query" to "/path?query"
std::string_view target_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  const size_t slash = url.find('/', scheme + 3);
  return slash == std::string_view::npos ? "/" : url.substr(slash);
}

std::string format_json(const AccessEntryView& entry) {
  const Moment at = moment_of(entry.started_ms);
  const std::tm& t = at.parts;
  std::string out =
      fmt::format("{{\"time\":\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\"", t.tm_year + 1900,
                  t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, at.ms);
  append_json(out, "client", entry.client);
  append_json(out, "worker", entry.worker);
  append_json(out, "method", entry.method);
  append_json(out, "url", entry.url);
  append_json(out, "protocol", entry.protocol);
  out += fmt::format(",\"status\":{},\"bytes\":{},\"duration_us\":{},\"cpu_us\":{}", entry.status,
                     entry.bytes, entry.duration_us, entry.cpu_us);
  append_json(out, "outcome", entry.outcome);
  append_json(out, "referer", entry.referer);
  append_json(out, "user_agent", entry.user_agent);
  append_json(out, "ray", entry.ray);
  append_json(out, "trace_id", entry.trace);
  append_json(out, "tls", entry.tls);
  return out += "}\n";
}

}  // namespace

std::string format_access(const AccessEntryView& entry, AccessFormat format) {
  if (format == AccessFormat::json) return format_json(entry);
  std::string out;
  append_word(out, entry.client);
  out += " - - ";
  out += common_time(entry.started_ms);
  out += " \"";
  if (entry.method.empty()) {
    out += '-';
  } else {
    append_word(out, entry.method);
    out += ' ';
    append_word(out, target_of(entry.url));
    out += ' ';
    append_word(out, entry.protocol);
  }
  out += fmt::format("\" {} {}", entry.status, entry.bytes);
  if (format == AccessFormat::combined) {
    out += " \"";
    append_escaped(out, entry.referer);
    out += "\" \"";
    append_escaped(out, entry.user_agent);
    out += '"';
  }
  return out += '\n';
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const config::AccessLogConfig& config) {
  std::unique_ptr<AccessLog> log(new AccessLog(config));
  SKEP_TRY_ASSIGN(log->file_, open_file(config.path));
  return log;
}

Result<> AccessLog::give_to(uint32_t uid, uint32_t gid) {
  struct stat status;
  if (fstat(file_.get(), &status) != 0) return fail_errno(config_.path, errno);
  if (!S_ISREG(status.st_mode)) return {};
  if (fchown(file_.get(), uid, gid) != 0) return fail_errno(config_.path, errno);
  return {};
}

AccessLog::~AccessLog() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void AccessLog::write(const AccessEntryView& entry) {
  const std::string line = format_access(entry, config_.format);
  {
    const std::lock_guard lock(mutex_);
    // Not before the first line: by then the broker is who it will be, and its signals are masked.
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    if (waiting_.size() + line.size() > limits::kAccessBufferBytes) {
      dropped_++;
      return;
    }
    waiting_ += line;
    waiting_lines_++;
  }
  wake_.notify_one();
}

void AccessLog::reopen() {
  auto file = open_file(config_.path);
  if (!file) return log_error("{}; going on with the file that was open", file.error().message);
  const std::lock_guard lock(mutex_);
  file_ = std::move(*file);
}

void AccessLog::add_dropped(uint64_t lines) {
  const std::lock_guard lock(mutex_);
  dropped_ += lines;
}

uint64_t AccessLog::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

uint64_t AccessLog::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

// Whole batches: between two of them the file may be another one.
void AccessLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return !waiting_.empty() || ending_; });
    if (waiting_.empty()) return;
    const std::string batch = std::exchange(waiting_, std::string());
    const uint64_t lines = std::exchange(waiting_lines_, 0);
    // A reopen() must not close it under the write.
    const UniqueFd file(fcntl(file_.get(), F_DUPFD_CLOEXEC, 3));
    const bool ending = ending_;
    lock.unlock();
    std::string_view rest = batch;
    int error = 0;
    while (!rest.empty()) {
      const ssize_t done = ::write(file.get(), rest.data(), rest.size());
      if (done > 0) {
        rest.remove_prefix(static_cast<size_t>(done));
        continue;
      }
      if (done < 0 && errno == EINTR) continue;
      pollfd poll_fd{.fd = file.get(), .events = POLLOUT, .revents = 0};
      if (done < 0 && errno == EAGAIN && !ending && poll(&poll_fd, 1, kWriteMs) > 0) continue;
      error = errno;
      break;
    }
    lock.lock();
    const auto lost = static_cast<uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
    written_ += lines - std::min(lines, lost);
    dropped_ += lost;
    if (!rest.empty() && !std::exchange(broken_, true))
      log_error("the access log {} takes no lines: {}", config_.path, std::strerror(error));
    if (rest.empty()) broken_ = false;
  }
}

}  // namespace skep::broker
