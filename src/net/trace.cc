#include "net/trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace skep::net {
namespace {

constexpr size_t kBytes = 55;  // 00-TRACE(32)-PARENT(16)-FLAGS(2)

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::string_view valid_traceparent(std::string_view value) {
  if (value.size() < kBytes || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  const std::string_view version = value.substr(0, 2), trace = value.substr(3, 32),
                         parent = value.substr(36, 16), flags = value.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return {};
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return {};
  if (version == "00" ? value.size() != kBytes : value.size() > kBytes && value[kBytes] != '-')
    return {};
  return value.substr(0, kBytes);
}

std::string_view trace_id(std::string_view traceparent) {
  return traceparent.size() >= kBytes ? traceparent.substr(3, 32) : std::string_view();
}

std::string make_traceparent(uint64_t id_high, uint64_t id_low, uint64_t parent) {
  return fmt::format("00-{:016x}{:016x}-{:016x}-00", id_high | 1, id_low, parent | 1);
}

std::string with_parent(std::string_view traceparent, uint64_t parent) {
  return fmt::format("00-{}-{:016x}-{}", trace_id(traceparent), parent | 1,
                     traceparent.substr(53, 2));
}

}  // namespace skep::net
