// Hosts as a shard may name them and rules as skep.toml has them: whatever is said, a host is read
// the same way twice, and what is a number is never a name.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "broker/outbound_policy.h"

namespace {

using skep::broker::Host;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_host(std::string_view text) {
  const Host host = skep::broker::read_host(text);
  require((host.kind == Host::Kind::address) == !host.addresses.empty());
  if (host.kind == Host::Kind::name) {
    const Host again = skep::broker::read_host(host.name);
    require(again.kind == Host::Kind::name && again.name == host.name);
    const std::string_view last = std::string_view(host.name).substr(host.name.rfind('.') + 1);
    require(last.find_first_not_of("0123456789") != std::string_view::npos);
    require(host.name.size() <= 253 && last != "localhost");
  }
  const skep::broker::OutboundPolicy policy({}, false, {});
  for (const auto& address : host.addresses) {
    const Host again = skep::broker::read_host(skep::broker::text_of(address));
    require(again.kind == Host::Kind::address && again.addresses.front() == address);
    require(policy.allows("", address, 443) == skep::broker::is_public(address));
    // An IPv4 address that is not public stays so in whatever IPv6 address it is put.
    if (!skep::broker::is_ipv4(address) || skep::broker::is_public(address)) continue;
    const std::string v4 = skep::broker::text_of(address);
    for (const char* prefix : {"::", "::ffff:", "64:ff9b::"}) {
      require(!skep::broker::is_public(skep::broker::read_host(prefix + v4).addresses.front()));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_host(text);
  if (auto rule = skep::config::parse_outbound_rule(text)) {
    require(rule->bits <= 128);
    if (rule->name.empty()) require(rule->covers("", rule->address, rule->port));
  }
  return 0;
}
