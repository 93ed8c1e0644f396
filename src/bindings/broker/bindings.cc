#include "bindings/broker/bindings.h"

#include <fmt/format.h>

#include <ctime>
#include <variant>

#include "bindings/kv/broker/kv_server.h"
#include "config/diagnostic.h"

namespace skep::bindings {
namespace {

// The tables of all bindings, kind after kind. New ones at the end.
const storage::Table kKv = storage::Store::kFirstTable;
storage::Table cron_table() {
  return static_cast<storage::Table>(kKv + KvStore::tables().size());
}

std::vector<std::string> all_tables() {
  std::vector<std::string> tables = KvStore::tables();
  for (std::string& name : CronRuns::tables()) tables.push_back(std::move(name));
  return tables;
}

// "2026-11-25T12:00:00.000Z", as Date.prototype.toISOString has it.
std::string iso_time(double ms) {
  const auto whole = static_cast<int64_t>(ms);
  const auto seconds = static_cast<time_t>(whole / 1000);
  tm utc = {};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     whole % 1000);
}

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace

BrokerBindings::BrokerBindings(loop::Loop& loop, StorePlace place)
    : store_(loop, place, all_tables()),
      kv_(loop, store_, kKv),
      secrets_(place.folder),
      cron_(store_, cron_table()) {}

BrokerBindings::~BrokerBindings() = default;

Result<uint32_t> BrokerBindings::find_worker(std::string_view name) const {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i] == name) return static_cast<uint32_t>(i);
    names.push_back(workers_[i]);
  }
  const std::string_view nearest = config::nearest_name(name, names);
  return fail(fmt::format("there is no worker \"{}\" here{}", name,
                          nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
}

// The list of kinds: each is made here, and by bindings.cc of the shard's half.
Result<> BrokerBindings::write(const config::Binding& binding, const BindingOwner& owner,
                               rpc::Binding::Builder out) {
  return std::visit(
      Overloaded{
          [&](const config::ServiceBinding& service) -> Result<> {
            const auto worker = find_worker(service.service);
            if (!worker) {
              return fail(fmt::format("service binding {} of worker {}: {}", binding.name,
                                      owner.worker, worker.error().message));
            }
            auto target = out.initService();
            target.setWorker(*worker);
            target.setEntrypoint({service.entrypoint.c_str(), service.entrypoint.size()});
            target.setProps({service.props.c_str(), service.props.size()});
            return {};
          },
          [&](const config::KvBinding& kv) -> Result<> {
            // Whoever names the same id shares the data; without one it is the worker's own.
            const std::string identity =
                kv.id.empty() ? fmt::format("worker:{}/{}", owner.worker, binding.name)
                              : "id:" + kv.id;
            SKEP_TRY_ASSIGN(auto data, kv_.open(identity));
            out.setKv(kj::heap<KvServer>(std::move(data), owner.share));
            return {};
          },
          [&](const config::RateLimitBinding& limit) -> Result<> {
            SKEP_TRY_ASSIGN(auto counters,
                            rate_limits_.open(limit.namespace_id, limit.period_seconds));
            out.setRateLimit(kj::heap<RateLimiterServer>(std::move(counters), limit.limit));
            return {};
          },
          [&](const config::StoreSecretBinding& secret) -> Result<> {
            out.setStoreSecret(
                kj::heap<StoreSecretServer>(secrets_, secret.store_id, secret.secret_name));
            return {};
          },
          [&](const config::VersionBinding&) -> Result<> {
            const std::string json = fmt::format(R"({{"id":"{}","tag":"","timestamp":"{}"}})",
                                                 owner.version_id, iso_time(owner.version_ms));
            out.setJson({json.c_str(), json.size()});
            return {};
          },
          [&](const config::AssetsBinding&) -> Result<> {
            out.setAssets();
            return {};
          },
      },
      binding.kind);
}

}  // namespace skep::bindings
