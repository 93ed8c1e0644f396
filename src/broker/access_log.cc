#include "broker/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <liburing.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/limits_edge.h"
#include "base/log.h"

namespace skep::broker {
namespace {

using config::AccessFormat;

Result<UniqueFd> open_file(const std::string& path) {
  // A pipe without a reader is an error, and nothing to wait for.
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640));
  if (!fd) return fail_errno(fmt::format("cannot open the access log {}", path), errno);
  // The ring waits for room in a pipe only where the descriptor does.
  if (fcntl(fd.get(), F_SETFL, O_APPEND) != 0) return fail_errno(path, errno);
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

struct AccessLog::State final : public loop::Completion {
  void complete(int32_t result, uint32_t, bool) override {
    in_flight = false;
    took(result);
    if (abandoned) {
      last_words();
      delete this;
    } else {
      send();
    }
  }

  // What became of a write of `batch`.
  void took(int32_t result) {
    if (result >= 0) {
      broken = false;
      batch.erase(0, static_cast<size_t>(result));
      if (batch.empty()) written += std::exchange(batch_lines, 0);
      return;
    }
    if (result == -EINTR || result == -EAGAIN || result == -ECANCELED) return;
    if (!std::exchange(broken, true))
      log_error("the access log takes no lines: {}", std::strerror(-result));
    dropped += std::exchange(batch_lines, 0);
    batch.clear();
  }

  void send() {
    if (loop == nullptr || in_flight) return;
    if (batch.empty()) {
      if (waiting.empty()) return;
      batch = std::exchange(waiting, std::string());
      batch_lines = std::exchange(waiting_lines, 0);
      // Between two batches, so that each is in one file.
      if (next_file) file = std::exchange(next_file, UniqueFd());
    }
    in_flight = true;
    io_uring_prep_write(loop->prepare(this), file.get(), batch.data(),
                        static_cast<unsigned>(batch.size()), static_cast<uint64_t>(-1));
  }

  // At the end, without the loop: what goes at once.
  void last_words() {
    fcntl(file.get(), F_SETFL, O_APPEND | O_NONBLOCK);
    batch += waiting;
    while (!batch.empty()) {
      const ssize_t done = ::write(file.get(), batch.data(), batch.size());
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) return;
      batch.erase(0, static_cast<size_t>(done));
    }
  }

  loop::Loop* loop = nullptr;
  UniqueFd file, next_file;
  std::string waiting, batch;
  uint64_t waiting_lines = 0, batch_lines = 0;
  uint64_t written = 0, dropped = 0;
  bool in_flight = false, abandoned = false;
  bool broken = false;  // said once that the file takes nothing
};

AccessLog::AccessLog(const config::AccessLogConfig& config) : config_(config), state_(new State) {}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const config::AccessLogConfig& config) {
  std::unique_ptr<AccessLog> log(new AccessLog(config));
  SKEP_TRY_ASSIGN(log->state_->file, open_file(config.path));
  return log;
}

Result<> AccessLog::give_to(uint32_t uid, uint32_t gid) {
  struct stat status;
  if (fstat(state_->file.get(), &status) != 0) return fail_errno(config_.path, errno);
  if (!S_ISREG(status.st_mode)) return {};
  if (fchown(state_->file.get(), uid, gid) != 0) return fail_errno(config_.path, errno);
  return {};
}

AccessLog::~AccessLog() {
  if (state_->in_flight) {
    state_->abandoned = true;
    state_->loop->cancel(state_);
    return;
  }
  if (state_->file) state_->last_words();
  delete state_;
}

void AccessLog::start(loop::Loop& loop) {
  state_->loop = &loop;
  state_->send();
}

void AccessLog::write(const AccessEntryView& entry) {
  const std::string line = format_access(entry, config_.format);
  if (state_->waiting.size() + line.size() > limits::kAccessBufferBytes) {
    state_->dropped++;
    return;
  }
  state_->waiting += line;
  state_->waiting_lines++;
  state_->send();
}

void AccessLog::reopen() {
  auto file = open_file(config_.path);
  if (!file) return log_error("{}; going on with the file that was open", file.error().message);
  state_->next_file = std::move(*file);
}

void AccessLog::add_dropped(uint64_t lines) {
  state_->dropped += lines;
}

uint64_t AccessLog::written() const {
  return state_->written;
}

uint64_t AccessLog::dropped() const {
  return state_->dropped;
}

}  // namespace skep::broker
