// How KV lies in the database: records, and names of up to 512 bytes in the order of their bytes
// where LMDB takes 511 with the namespace's number before them. Of the broker, on any thread that
// has a transaction.
//
//   names     identity of a namespace -> its number
//   entries   number, name -> record; of names longer than kDirectBytes only the beginning, NUL ->
//             number of that beginning
//   long      number of the beginning, the rest of the name -> record
//   expiry    time, sequence of the record -> number, name
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/blobs.h"
#include "storage/database.h"

namespace skep::bindings {

struct KvRecord {
  uint64_t sequence = 0;    // no two records have the same
  uint64_t expiration = 0;  // seconds since the epoch; 0: none
  std::string metadata;     // JSON; empty: none
  std::string value;        // where there is no blob
  std::optional<storage::BlobId> blob;
  uint64_t size = 0;  // of the blob

  bool expired(uint64_t now_s) const { return expiration != 0 && expiration <= now_s; }
};

std::string encode(const KvRecord& record);
// Of a beginning that was cut off within the value, the record has what is there. nullopt: it is
// none.
std::optional<KvRecord> decode(std::string_view bytes);
// The bytes of a record before its value.
inline constexpr size_t kKvHeadBytes = 1024 + 64;

class KvTables {
 public:
  enum Kind : storage::Table { kNames, kEntries, kLong, kExpiry, kCount };
  static constexpr size_t kDirectBytes = 480;

  explicit KvTables(storage::Table first) : first_(first) {}
  storage::Table at(Kind kind) const { return first_ + kind; }

  // The number of a namespace. 0: it holds nothing yet.
  Result<uint32_t> find_namespace(storage::Transaction& t, std::string_view identity) const;
  Result<uint32_t> make_namespace(storage::WriteTransaction& t, std::string_view identity) const;

  Result<std::optional<KvRecord>> get(storage::Transaction& t, uint32_t space, std::string_view key,
                                      size_t most = SIZE_MAX) const;
  // With all that hangs on a record: its blob's entry, its place among those that expire. `unique`:
  // a number that nothing else has. Blobs that are no longer referred to go to `dropped`.
  Result<> put(storage::WriteTransaction& t, uint32_t space, std::string_view key,
               const KvRecord& record, uint64_t unique,
               std::vector<storage::BlobId>& dropped) const;
  Result<> erase(storage::WriteTransaction& t, uint32_t space, std::string_view key,
                 std::vector<storage::BlobId>& dropped) const;
  // Deletes up to `most` records that have expired; how many there were.
  Result<size_t> erase_expired(storage::WriteTransaction& t, uint64_t now_s, size_t most,
                               std::vector<storage::BlobId>& dropped) const;

 private:
  struct Place {
    storage::Table table;
    std::string key;
  };
  // Where the record lies; nullopt: nowhere, for no name begins so.
  Result<std::optional<Place>> find(storage::Transaction& t, uint32_t space,
                                    std::string_view key) const;
  Result<> forget(storage::WriteTransaction& t, const Place& place,
                  std::vector<storage::BlobId>& dropped) const;

  storage::Table first_;
};

// The entries of a namespace in the order of their names.
class KvWalk {
 public:
  KvWalk(storage::Transaction& transaction, const KvTables& tables, uint32_t space);

  struct Item {
    std::string key;
    KvRecord record;  // without its value
  };
  // The first that is not before `from`, then the one after it. False: the end.
  Result<bool> seek(std::string_view from, Item& out);
  Result<bool> next(Item& out);

 private:
  Result<bool> settle(Result<bool> found, std::string_view rest, Item& out);
  Result<bool> descend(std::string_view rest, Item& out);

  const std::string space_;
  storage::Cursor entries_, long_;
  storage::Transaction::Entry entry_, inner_;
  std::string prefix_;      // of the long names under way; empty: none
  std::string prefix_key_;  // its number
};

std::string kv_number(uint64_t value, size_t bytes);

}  // namespace skep::bindings
