#include "cli/metrics_top.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <tuple>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace skep::cli {
namespace {

constexpr size_t kMostBytes = 64 << 20;  // of an answer

// Samples by "name{labels}".
using Samples = std::map<std::string, double, std::less<>>;

// 0 for what is none: the table shows less then.
double number_of(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Samples parse(std::string_view text) {
  Samples out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string_view::npos) continue;
    out[std::string(line.substr(0, space))] = number_of(line.substr(space + 1));
  }
  return out;
}

// The value of a label within "name{a=\"x\",b=\"y\"}".
std::string_view label_of(std::string_view sample, std::string_view label) {
  const std::string key = fmt::format("{}=\"", label);
  const size_t at = sample.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = sample.substr(at + key.size());
  return rest.substr(0, rest.find('"'));
}

struct Row {
  double requests = 0, failed = 0, cpu = 0, isolates = 0, cold = 0, shed = 0;
  std::map<double, double> below;  // the histogram, by upper bound
};

double quantile_ms(const Row& row, double q) {
  double all = 0;
  for (const auto& [bound, count] : row.below) all = std::max(all, count);
  if (all <= 0) return 0;
  double last = 0;
  for (const auto& [bound, count] : row.below) {
    if (count >= q * all) return (std::isinf(bound) ? last : bound) * 1e3;
    last = bound;
  }
  return last * 1e3;
}

void add_sample(std::map<std::string, Row>& rows, std::string_view sample, double value,
                double grown) {
  const std::string_view worker = label_of(sample, "worker");
  if (worker.empty()) return;
  Row& row = rows[std::string(worker)];
  const std::string_view name = sample.substr(0, sample.find('{'));
  if (name == "skep_requests_total") {
    row.requests += grown;
    if (label_of(sample, "outcome") != "ok") row.failed += grown;
  } else if (name == "skep_worker_cpu_seconds_total") {
    row.cpu += grown;
  } else if (name == "skep_worker_isolates") {
    row.isolates = value;
  } else if (name == "skep_cold_starts_total") {
    row.cold += grown;
  } else if (name == "skep_shed_requests_total") {
    row.shed += grown;
  } else if (name == "skep_request_duration_seconds_bucket") {
    const std::string_view bound = label_of(sample, "le");
    row.below[bound == "+Inf" ? HUGE_VAL : number_of(bound)] += grown;
  }
}

// One GET; the body of a 200.
Result<std::string> get_metrics(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail("the admin socket's path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno(path, errno);
  constexpr std::string_view kRequest =
      "GET /metrics HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (send(fd.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(kRequest.size()))
    return fail_errno(path, errno);
  std::string answer;
  char buffer[16384];
  while (answer.size() < kMostBytes) {
    const ssize_t got = recv(fd.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path, errno);
    if (got == 0) break;
    answer.append(buffer, static_cast<size_t>(got));
  }
  const size_t body = answer.find("\r\n\r\n");
  if (body == std::string::npos || answer.substr(0, 12).find(" 200") == std::string::npos)
    return fail(path + ": the answer is not skep's metrics");
  return answer.substr(body + 4);
}

// No loop of the ring's for a pause and a request of a terminal's program.
void pause(double seconds) {
  const timespec time{.tv_sec = static_cast<time_t>(seconds),
                      .tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9)};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

}  // namespace

std::string format_top(std::string_view before, std::string_view now, double seconds) {
  const Samples old = parse(before), samples = parse(now);
  std::map<std::string, Row> rows;
  double connections = 0, shards = 0;
  for (const auto& [sample, value] : samples) {
    const auto was = old.find(sample);
    add_sample(rows, sample, value, value - (was == old.end() ? 0 : was->second));
    if (sample.starts_with("skep_connections{")) connections += value;
    if (sample == "skep_shards") shards = value;
  }
  std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(b.second.cpu, a.first) < std::tie(a.second.cpu, b.first);
  });
  std::string out = fmt::format("{:.0f} shards, {:.0f} connections\n", shards, connections);
  out += fmt::format("{:<32} {:>9} {:>8} {:>8} {:>8} {:>7} {:>8} {:>6} {:>7}\n", "WORKER", "REQ/S",
                     "FAIL/S", "P50 MS", "P99 MS", "CPU %", "ISOLATES", "COLD", "SHED/S");
  for (const auto& [name, row] : sorted) {
    out += fmt::format(
        "{:<32} {:>9.1f} {:>8.1f} {:>8.1f} {:>8.1f} {:>7.1f} {:>8.0f} {:>6.0f} {:>7.1f}\n", name,
        row.requests / seconds, row.failed / seconds, quantile_ms(row, 0.5), quantile_ms(row, 0.99),
        100 * row.cpu / seconds, row.isolates, row.cold, row.shed / seconds);
  }
  return out;
}

int run_top(const TopOptions& options) {
  std::string before;
  int64_t before_ns = 0;
  for (uint32_t shown = 0; options.count == 0 || shown < options.count;) {
    auto now = get_metrics(options.admin);
    if (!now) {
      log_error("{}", now.error().message);
      return 1;
    }
    const int64_t now_ns = monotonic_ns();
    // The first look only says from where to count.
    if (before_ns != 0) {
      const double seconds = static_cast<double>(now_ns - before_ns) / 1e9;
      fmt::print("{}{}", shown == 0 ? "" : "\n", format_top(before, *now, seconds));
      std::fflush(stdout);
      shown++;
    }
    before = std::move(*now);
    before_ns = now_ns;
    if (options.count == 0 || shown < options.count) pause(options.interval_s);
  }
  return 0;
}

}  // namespace skep::cli
