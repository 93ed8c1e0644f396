#include "bindings/cron/broker/cron_runs.h"

#include <charconv>
#include <utility>

#include "base/log.h"

namespace skep::bindings {
namespace {

// Neither half has a NUL in it.
std::string text_of(const CronKey& key) {
  return key.worker + '\0' + key.cron;
}

}  // namespace

Result<std::map<CronKey, int64_t>> CronRuns::load() {
  SKEP_TRY_ASSIGN(storage::Store * store, store_.get());
  SKEP_TRY_ASSIGN(const auto transaction, store->database().begin_read());
  storage::Cursor cursor(*transaction, table_);
  storage::Transaction::Entry entry;
  std::map<CronKey, int64_t> runs;
  SKEP_TRY_ASSIGN(bool there, cursor.seek("", entry));
  while (there) {
    const size_t nul = entry.key.find('\0');
    int64_t minute = 0;
    const auto [end, error] =
        std::from_chars(entry.value.data(), entry.value.data() + entry.value.size(), minute);
    if (nul != std::string::npos && error == std::errc())
      runs[{entry.key.substr(0, nul), entry.key.substr(nul + 1)}] = minute;
    SKEP_TRY_ASSIGN(there, cursor.next(entry));
  }
  return runs;
}

void CronRuns::record(std::vector<CronKey> keys, int64_t minute,
                      std::function<void(Result<>)> done) {
  auto store = store_.get();
  if (!store) return done(std::unexpected(std::move(store.error())));
  const size_t bytes = keys.size() * 128;
  (*store)->database().write(
      [keys = std::move(keys), minute,
       table = table_](storage::WriteTransaction& write) -> Result<> {
        for (const CronKey& key : keys)
          SKEP_TRY(write.put(table, text_of(key), std::to_string(minute)));
        return {};
      },
      bytes, std::move(done));
}

void CronRuns::forget(std::vector<CronKey> keys) {
  auto store = store_.get();
  if (!store || keys.empty()) return;
  const size_t bytes = keys.size() * 128;
  (*store)->database().write(
      [keys = std::move(keys), table = table_](storage::WriteTransaction& write) -> Result<> {
        for (const CronKey& key : keys) SKEP_TRY(write.erase(table, text_of(key)));
        return {};
      },
      bytes,
      [](Result<> result) {
        if (!result) log_warn("cron: {}", result.error().message);
      });
}

}  // namespace skep::bindings
