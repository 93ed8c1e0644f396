#include "cli/bench_report.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace skep::cli {
namespace {

constexpr std::array<std::pair<const char*, double>, 6> kShares = {
    {{"50", 0.5}, {"90", 0.9}, {"99", 0.99}, {"99.9", 0.999}, {"99.99", 0.9999}, {"100", 1}}};

double per_request_us(const BenchReport& report, int64_t cpu_ns) {
  const uint64_t requests = report.load.requests;
  return requests == 0 ? 0 : static_cast<double>(cpu_ns) / 1e3 / static_cast<double>(requests);
}

double rate_of(const LoadResult& load) {
  return load.measured_s > 0 ? static_cast<double>(load.requests) / load.measured_s : 0;
}

std::string latency_line(const char* name, const Histogram& histogram_ns) {
  std::string line = fmt::format("{:<12}", name);
  for (const auto& [label, share] : kShares)
    line += fmt::format("  {} {:.3f}", share == 1 ? "max" : fmt::format("p{}", label),
                        static_cast<double>(histogram_ns.quantile(share)) / 1e6);
  return line + "  ms\n";
}

std::string failure_lines(const LoadResult& load) {
  std::string text;
  const std::pair<const char*, uint64_t> kKinds[] = {
      {"connections refused or failed", load.connect_errors},
      {"connections lost while a request was out", load.broken},
      {"answers that are not HTTP", load.malformed},
      {"requests timed out", load.timed_out}};
  for (const auto& [name, count] : kKinds)
    if (count > 0) text += fmt::format("failed        {} {}\n", count, name);
  return text;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + "\"";
}

std::string json_latency(const Histogram& histogram_ns) {
  std::string out = fmt::format("{{\"mean\":{:.1f}", histogram_ns.mean() / 1e3);
  for (const auto& [label, share] : kShares)
    out += fmt::format(",\"{}{}\":{:.1f}", share == 1 ? "max" : "p", share == 1 ? "" : label,
                       static_cast<double>(histogram_ns.quantile(share)) / 1e3);
  return out + "}";
}

}  // namespace

std::string format_text(const BenchOptions& options, const BenchReport& report) {
  const LoadResult& load = report.load;
  const bool open = options.rate > 0;
  std::string text = fmt::format(
      "{} {}: {} connections, {}, {:.1f} s\n", options.method, options.url, options.connections,
      open ? fmt::format("open loop, {:g} requests a second", options.rate)
           : std::string("closed loop"),
      load.measured_s);
  text += fmt::format("requests      {} ({:.0f} a second)", load.requests, rate_of(load));
  for (size_t i = 0; i < load.by_status_class.size(); ++i)
    if (load.by_status_class[i] > 0)
      text += i == 0 ? fmt::format(", {} of no known status", load.by_status_class[i])
                     : fmt::format(", {} x {}xx", load.by_status_class[i], i);
  text += "\n";
  if (load.late > 0)
    text += fmt::format("late          {} were due in time and answered after it\n", load.late);
  text += fmt::format("body          {} bytes\n", load.body_bytes);
  if (load.reconnects > 0) text += fmt::format("reconnects    {}\n", load.reconnects);
  text += failure_lines(load);
  text += latency_line("latency", load.latency_ns);
  if (open) text += latency_line("service", load.service_ns);
  if (!options.pids.empty())
    text += fmt::format("server CPU    {:.2f} us a request ({} processes, {:.2f} s)\n",
                        per_request_us(report, report.server_cpu_ns), report.server_processes,
                        static_cast<double>(report.server_cpu_ns) / 1e9);
  text += fmt::format("client CPU    {:.2f} us a request\n",
                      per_request_us(report, report.client_cpu_ns));
  return text;
}

std::string format_json(const BenchOptions& options, const BenchReport& report) {
  const LoadResult& load = report.load;
  std::string out = fmt::format(
      "{{\"url\":{},\"method\":{},\"connections\":{},\"rate\":{},\"seconds\":{:.3f},\"requests\":{}"
      ","
      "\"requests_per_second\":{:.1f},\"late\":{},\"body_bytes\":{},\"reconnects\":{}",
      json_string(options.url), json_string(options.method), options.connections,
      options.rate > 0 ? fmt::format("{:g}", options.rate) : "null", load.measured_s, load.requests,
      rate_of(load), load.late, load.body_bytes, load.reconnects);
  out += ",\"status\":{";
  for (size_t i = 1; i < load.by_status_class.size(); ++i)
    out += fmt::format("{}\"{}xx\":{}", i > 1 ? "," : "", i, load.by_status_class[i]);
  out += fmt::format(
      "}},\"failed\":{{\"connect\":{},\"broken\":{},\"malformed\":{},\"timed_out\":{}}}",
      load.connect_errors, load.broken, load.malformed, load.timed_out);
  out += fmt::format(",\"latency_us\":{},\"service_us\":{}", json_latency(load.latency_ns),
                     json_latency(load.service_ns));
  out += fmt::format(",\"client_cpu_us_per_request\":{:.3f}",
                     per_request_us(report, report.client_cpu_ns));
  if (!options.pids.empty())
    out += fmt::format(
        ",\"server_cpu_us_per_request\":{:.3f},\"server_cpu_s\":{:.3f},\"server_processes\":{}",
        per_request_us(report, report.server_cpu_ns),
        static_cast<double>(report.server_cpu_ns) / 1e9, report.server_processes);
  return out + "}\n";
}

}  // namespace skep::cli
