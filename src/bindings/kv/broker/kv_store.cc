#include "bindings/kv/broker/kv_store.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>

#include "base/limits_kv.h"
#include "base/log.h"
#include "base/time.h"

namespace skep::bindings {
namespace {

uint64_t now_s() {
  return static_cast<uint64_t>(wall_clock_ms() / 1000);
}

// A cursor is the last name of its page. It gives nothing that a prefix would not give.
std::string cursor_of(std::string_view key) {
  std::string out;
  for (const char c : key) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::optional<std::string> key_of(std::string_view cursor) {
  if (cursor.empty() || cursor.size() > 2 * limits::kKvKeyBytes || cursor.size() % 2 != 0)
    return std::nullopt;
  std::string key;
  for (size_t i = 0; i < cursor.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(cursor.data() + i, cursor.data() + i + 2, byte, 16);
    if (error != std::errc() || end != cursor.data() + i + 2) return std::nullopt;
    key += static_cast<char>(byte);
  }
  return key;
}

}  // namespace

// ---- KvData
// --------------------------------------------------------------------------------------

KvData::KvData(KvStore& store, std::string identity, KvGenerationPage generations)
    : store_(store),
      identity_(std::move(identity)),
      generations_(std::make_shared<KvGenerationPage>(std::move(generations))),
      id_(std::make_shared<std::atomic<uint32_t>>(0)) {}

KvData::~KvData() {
  const auto found = store_.open_.find(identity_);
  if (found != store_.open_.end() && found->second.expired()) store_.open_.erase(found);
}

Result<uint32_t> KvData::find_id(storage::Transaction& transaction) {
  if (const uint32_t known = id_->load(std::memory_order_acquire); known != 0) return known;
  SKEP_TRY_ASSIGN(const uint32_t number, store_.tables_.find_namespace(transaction, identity_));
  id_->store(number, std::memory_order_release);
  return number;
}

Result<std::optional<KvData::Found>> KvData::get(std::string_view key, uint64_t& generation) {
  SKEP_TRY_ASSIGN(storage::Store * store, store_.store_.get());
  // Of the counter first: a commit after this moves it, and what is read is then known to be old.
  generation = generations_->value(kv_slot(key));
  // Twice, for a blob that is replaced between the look at the record and the look for the file.
  for (int attempt = 0;; ++attempt) {
    Found found;
    {
      SKEP_TRY_ASSIGN(auto read, store->database().begin_read());
      SKEP_TRY_ASSIGN(const uint32_t id, find_id(*read));
      if (id == 0) return std::nullopt;
      SKEP_TRY_ASSIGN(auto record, store_.tables_.get(*read, id, key));
      if (!record || record->expired(now_s())) return std::nullopt;
      found.record = std::move(*record);
    }
    if (found.record.blob) {
      auto file = store->blobs().read(*found.record.blob);
      if (!file && file.error().code == ENOENT && attempt == 0) continue;
      if (!file) return std::unexpected(std::move(file).error());
      found.blob = std::move(*file);
    }
    return found;
  }
}

Result<std::optional<KvData::Page>> KvData::list(std::string_view prefix, size_t limit,
                                                 std::string_view cursor) {
  std::string from(prefix);
  if (!cursor.empty()) {
    const auto last = key_of(cursor);
    if (!last || !last->starts_with(prefix)) return std::nullopt;
    from = *last + '\0';
  }
  SKEP_TRY_ASSIGN(storage::Store * store, store_.store_.get());
  SKEP_TRY_ASSIGN(auto read, store->database().begin_read());
  SKEP_TRY_ASSIGN(const uint32_t id, find_id(*read));
  Page page;
  if (id == 0) return page;
  KvWalk walk(*read, store_.tables_, id);
  KvWalk::Item item;
  const uint64_t now = now_s();
  SKEP_TRY_ASSIGN(bool found, walk.seek(from, item));
  for (size_t seen = 0; found && item.key.starts_with(prefix); ++seen) {
    // One more than fits, so that the last page is known to be the last.
    if (page.keys.size() == limit || seen == limits::kKvScannedPerList) {
      page.cursor = cursor_of(from);
      return page;
    }
    from = item.key;
    if (!item.record.expired(now)) {
      item.record.value.clear();
      page.keys.emplace_back(std::move(item.key), std::move(item.record));
    }
    SKEP_TRY_ASSIGN(found, walk.next(item));
  }
  return page;
}

void KvData::put(std::string key, KvRecord record, Done done) {
  auto store = store_.store_.get();
  if (!store) return store_.loop_.post([done, e = store.error()] { done(std::unexpected(e)); });
  const uint64_t unique = (*store)->unique();
  record.sequence = (*store)->unique();
  const size_t bytes = key.size() + record.value.size() + record.metadata.size() + 256;
  (*store)->database().write(
      [tables = store_.tables_, identity = identity_, key = std::move(key),
       record = std::move(record), unique, id = id_, page = generations_,
       blobs = &(*store)->blobs()](storage::WriteTransaction& t) -> Result<> {
        SKEP_TRY_ASSIGN(const uint32_t space, tables.make_namespace(t, identity));
        std::vector<storage::BlobId> dropped;
        SKEP_TRY(tables.put(t, space, key, record, unique, dropped));
        t.after_commit([=, dropped = std::move(dropped), slot = kv_slot(key)] {
          id->store(space, std::memory_order_release);
          page->move(slot);
          for (const storage::BlobId blob : dropped) blobs->remove(blob);
        });
        return {};
      },
      bytes, std::move(done));
}

void KvData::put_blob(std::string key, KvRecord record, Done done) {
  const storage::BlobId blob = *record.blob;
  put(std::move(key), std::move(record),
      [blob, holder = &store_.store_, alive = std::weak_ptr(store_.alive_),
       done = std::move(done)](Result<> result) {
        if (!result && alive.lock() && holder->opened()) holder->opened()->blobs().remove(blob);
        done(std::move(result));
      });
}

Result<std::unique_ptr<storage::BlobWriter>> KvData::create_blob() {
  SKEP_TRY_ASSIGN(storage::Store * store, store_.store_.get());
  return store->blobs().create();
}

void KvData::erase(std::string key, Done done) {
  auto store = store_.store_.get();
  if (!store) return store_.loop_.post([done, e = store.error()] { done(std::unexpected(e)); });
  (*store)->database().write(
      [tables = store_.tables_, identity = identity_, key = std::move(key), page = generations_,
       blobs = &(*store)->blobs()](storage::WriteTransaction& t) -> Result<> {
        SKEP_TRY_ASSIGN(const uint32_t space, tables.find_namespace(t, identity));
        if (space == 0) return {};
        std::vector<storage::BlobId> dropped;
        SKEP_TRY(tables.erase(t, space, key, dropped));
        t.after_commit([=, dropped = std::move(dropped), slot = kv_slot(key)] {
          page->move(slot);
          for (const storage::BlobId blob : dropped) blobs->remove(blob);
        });
        return {};
      },
      key.size() + 256, std::move(done));
}

// ---- KvStore
// -------------------------------------------------------------------------------------

std::vector<std::string> KvStore::tables() {
  return {"kv-names", "kv-entries", "kv-long", "kv-expiry"};
}

KvStore::KvStore(loop::Loop& loop, StoreHolder& store, storage::Table first_table)
    : loop_(loop), store_(store), tables_(first_table), sweep_timer_(loop, [this] { sweep(); }) {}

KvStore::~KvStore() = default;

Result<std::shared_ptr<KvData>> KvStore::open(const std::string& identity) {
  if (auto known = open_[identity].lock()) return known;
  auto page = KvGenerationPage::create();
  if (!page) {
    open_.erase(identity);
    return std::unexpected(std::move(page).error());
  }
  auto data = std::make_shared<KvData>(*this, identity, std::move(*page));
  open_[identity] = data;
  if (!sweep_timer_.armed()) sweep_timer_.set_ms(limits::kKvSweepMs);
  return data;
}

void KvStore::sweep() {
  storage::Store* store = store_.opened();
  if (store == nullptr) return sweep_timer_.set_ms(limits::kKvSweepIdleMs);
  auto count = std::make_shared<size_t>(0);
  store->database().write(
      [tables = tables_, count, blobs = &store->blobs()](storage::WriteTransaction& t) -> Result<> {
        std::vector<storage::BlobId> dropped;
        SKEP_TRY_ASSIGN(*count,
                        tables.erase_expired(t, now_s(), limits::kKvExpiredPerCommit, dropped));
        t.after_commit([=, dropped = std::move(dropped)] {
          for (const storage::BlobId blob : dropped) blobs->remove(blob);
        });
        return {};
      },
      0,
      [this, count, alive = std::weak_ptr(alive_)](Result<> result) {
        if (!alive.lock()) return;
        const bool more = result && *count == limits::kKvExpiredPerCommit;
        sweep_timer_.set_ms(more ? limits::kKvSweepMs / 100 : limits::kKvSweepIdleMs);
      });
}

}  // namespace skep::bindings
