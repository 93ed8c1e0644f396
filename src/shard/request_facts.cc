#include "shard/request_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/limits_edge.h"
#include "net/headers.h"
#include "net/tls/tls_facts.h"
#include "net/trace.h"
#include "shard/client_certificate.h"

namespace skep::shard {
namespace {

// Headers whose presence a Worker takes for the edge's word: a client's own are dropped.
constexpr std::string_view kEdgesOwn[] = {
    "cf-connecting-ip", "cf-connecting-ipv6", "cf-connecting-o2o",
    "cf-ew-via",        "cf-ipcountry",       "cf-pseudo-ipv4",
    "cf-ray",           "cf-visitor",         "true-client-ip",
    "x-real-ip",        "x-forwarded-for",    "x-forwarded-proto"};
// Those that proxies set besides; from anybody else they are hearsay.
constexpr std::string_view kProxies[] = {"forwarded",          "x-forwarded-host",
                                         "x-forwarded-port",   "x-forwarded-server",
                                         "x-forwarded-scheme", "x-forwarded-ssl"};
constexpr size_t kMostAdded = 6;

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view other) {
    return name.size() == other.size() && net::equals_ignore_case(name, other);
  });
}

// Most headers begin with another letter than these.
bool may_be_edges(std::string_view name) {
  if (name.empty()) return false;
  const char first = static_cast<char>(name.front() | 0x20);
  return first == 'c' || first == 'x' || first == 't' || first == 'f';
}

}  // namespace

uint64_t EdgeSettings::random() {
  // splitmix64
  uint64_t z = (random_state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

std::string_view protocol_name(const net::RequestHead& head) {
  if (head.version_major == 2) return "HTTP/2";
  return head.version_minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

void RequestFacts::begin(EdgeSettings& settings, const net::HttpExchange& exchange) {
  settings_ = &settings;
  exchange_ = &exchange;
  secure_ = exchange.secure();
  made_ = trusted_ = false;
  client_.clear();
  traceparent_.clear();
  if (settings.trusted.empty()) return;
  trusted_ = settings.trusted.trusts(exchange.peer().address);
  if (!trusted_) return;
  net::ForwardedClient forwarded =
      net::read_forwarded(exchange.head().headers, settings.forwarded_by, settings.trusted);
  client_ = std::move(forwarded.address);
  secure_ = forwarded.secure.value_or(secure_);
}

bool RequestFacts::keep(const net::Header& header) const {
  if (!may_be_edges(header.name)) return true;
  if (is_one_of(header.name, kEdgesOwn)) return false;
  return trusted_ || !is_one_of(header.name, kProxies);
}

void RequestFacts::add(std::string_view name, std::string value) {
  texts_.push_back(std::move(value));
  headers_.push_back({.name = name, .value = texts_.back()});
}

std::span<const net::Header> RequestFacts::headers(std::string_view request_id) {
  if (made_) return headers_;
  made_ = true;
  headers_.clear();
  texts_.clear();
  texts_.reserve(kMostAdded);  // the views into short strings must not move
  const std::span<const net::Header> given = exchange_->head().headers;
  headers_.reserve(given.size() + kMostAdded);
  std::string chain;
  for (const net::Header& header : given) {
    if (keep(header)) headers_.push_back(header);
    if (trusted_ && net::equals_ignore_case(header.name, "x-forwarded-for") &&
        chain.size() + header.value.size() <= limits::kForwardedBytes) {
      chain.append(header.value).append(", ");
    }
  }
  const std::string& peer = exchange_->peer().address;
  const std::string_view scheme = secure_ ? "https" : "http";
  const std::string& address = client();
  add("X-Forwarded-For", chain + (chain.empty() ? address : peer));
  add("X-Forwarded-Proto", std::string(scheme));
  add("X-Real-IP", address);
  add("CF-Connecting-IP", address);
  add("CF-Ray", ray(request_id));
  add("CF-Visitor", fmt::format("{{\"scheme\":\"{}\"}}", scheme));
  return headers_;
}

std::string RequestFacts::ray(std::string_view request_id) const {
  if (settings_->colo.empty()) return std::string(request_id);
  return fmt::format("{}-{}", request_id, settings_->colo);
}

// Two of them are none: nobody knows which another reader takes.
std::string_view RequestFacts::given_trace() const {
  const auto headers = exchange_->head().headers;
  const std::string_view value = net::header_value(headers, "traceparent");
  if (value.empty() || net::count_headers(headers, "traceparent") != 1) return {};
  return net::valid_traceparent(value);
}

const std::string& RequestFacts::traceparent() {
  if (!traceparent_.empty()) return traceparent_;
  if (const std::string_view given = given_trace(); !given.empty()) {
    traceparent_ = given;
  } else {
    traceparent_ =
        net::make_traceparent(settings_->random(), settings_->random(), settings_->random());
  }
  return traceparent_;
}

std::string_view RequestFacts::tracestate() const {
  if (!has_trace()) return {};
  const std::string_view state = net::header_value(exchange_->head().headers, "tracestate");
  return state.size() <= limits::kTracestateBytes ? state : std::string_view();
}

std::string RequestFacts::cf_json() const {
  const net::RequestHead& head = exchange_->head();
  nlohmann::json cf = {
      {"httpProtocol", protocol_name(head)},
      {"clientAcceptEncoding", net::header_value(head.headers, "accept-encoding")}};
  if (!settings_->colo.empty()) cf["colo"] = settings_->colo;
  if (const net::TlsFacts* tls = exchange_->tls()) {
    cf["tlsVersion"] = tls->version;
    cf["tlsCipher"] = tls->cipher;
    cf["tlsClientAuth"] = client_auth_json(tls->client);
  }
  // A header may hold bytes that are no UTF-8.
  return cf.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace skep::shard
