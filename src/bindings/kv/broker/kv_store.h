// KV namespaces on the broker's store: what is kept, expiry, pages of keys, and the counters by
// which shards know what they remember is still true. Values up to limits::kKvInlineBytes lie in
// the database, larger ones in blobs. One KvStore a broker; the loop's thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bindings/broker/store_holder.h"
#include "bindings/kv/broker/kv_generations.h"
#include "bindings/kv/broker/kv_records.h"
#include "loop/loop.h"

namespace skep::bindings {

class KvStore;

// Shared by everybody who holds the namespace.
class KvData : public std::enable_shared_from_this<KvData> {
 public:
  KvData(KvStore& store, std::string identity, KvGenerationPage generations);
  ~KvData();

  struct Found {
    KvRecord record;
    UniqueFd blob;  // where the record refers to one
  };
  // nullopt: missing or expired; `generation` holds in any case.
  Result<std::optional<Found>> get(std::string_view key, uint64_t& generation);

  struct Page {
    std::vector<std::pair<std::string, KvRecord>> keys;  // records without their values
    std::string cursor;                                  // "": the last page
  };
  // nullopt: the cursor is none that came from here.
  Result<std::optional<Page>> list(std::string_view prefix, size_t limit, std::string_view cursor);

  using Done = std::function<void(Result<>)>;
  // The arguments are within their bounds. Answered when it is on the disk.
  void put(std::string key, KvRecord record, Done done);
  void erase(std::string key, Done done);
  // For a large value; null with the error where there is no store.
  Result<std::unique_ptr<storage::BlobWriter>> create_blob();
  // As put, of a blob that is finished; it is deleted where this fails.
  void put_blob(std::string key, KvRecord record, Done done);

  const KvGenerationPage& generations() const { return *generations_; }

 private:
  friend class KvStore;
  // 0: it holds nothing yet.
  Result<uint32_t> find_id(storage::Transaction& transaction);

  KvStore& store_;
  const std::string identity_;
  std::shared_ptr<KvGenerationPage> generations_;
  std::shared_ptr<std::atomic<uint32_t>> id_;  // 0: not known yet
};

class KvStore {
 public:
  // The tables it needs, in the order of KvTables::Kind.
  static std::vector<std::string> tables();

  KvStore(loop::Loop& loop, StoreHolder& store, storage::Table first_table);
  ~KvStore();

  // The namespace of that identity; it need not exist.
  Result<std::shared_ptr<KvData>> open(const std::string& identity);

 private:
  friend class KvData;
  void sweep();

  loop::Loop& loop_;
  StoreHolder& store_;
  const KvTables tables_;
  std::map<std::string, std::weak_ptr<KvData>> open_;
  loop::Timer sweep_timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // answers may come after this
};

}  // namespace skep::bindings
