#include "bindings/kv/broker/kv_records.h"

#include "base/limits_kv.h"
#include "storage/store.h"

namespace skep::bindings {
namespace {

using storage::Store;
using storage::Transaction;
using storage::WriteTransaction;

// version, flags, sequence, expiration, bytes of metadata, metadata, then the value or the blob.
constexpr char kVersion = 1;
constexpr char kIsBlob = 1;
constexpr size_t kFixedBytes = 2 + 8 + 8 + 2;

constexpr std::string_view kLastSpaceKey("\0last", 5);

uint64_t number_of(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

std::unexpected<Error> damaged() {
  return std::unexpected(Error{"a KV record in the database makes no sense", EIO});
}

std::string expiry_key(const KvRecord& record) {
  return kv_number(record.expiration, 8) + kv_number(record.sequence, 8);
}

}  // namespace

std::string kv_number(uint64_t value, size_t bytes) {
  std::string out(bytes, '\0');
  for (size_t i = bytes; i-- > 0; value >>= 8) out[i] = static_cast<char>(value);
  return out;
}

std::string encode(const KvRecord& record) {
  std::string out;
  out += kVersion;
  out += record.blob ? kIsBlob : '\0';
  out += kv_number(record.sequence, 8);
  out += kv_number(record.expiration, 8);
  out += kv_number(record.metadata.size(), 2);
  out += record.metadata;
  if (!record.blob) return out += record.value;
  return out += storage::blob_key(*record.blob) + kv_number(record.size, 8);
}

std::optional<KvRecord> decode(std::string_view bytes) {
  if (bytes.size() < kFixedBytes || bytes[0] != kVersion) return std::nullopt;
  KvRecord record;
  record.sequence = number_of(bytes.substr(2, 8));
  record.expiration = number_of(bytes.substr(10, 8));
  const size_t metadata = number_of(bytes.substr(18, 2));
  const bool is_blob = bytes[1] == kIsBlob;
  bytes.remove_prefix(kFixedBytes);
  if (bytes.size() < metadata) return std::nullopt;
  record.metadata = bytes.substr(0, metadata);
  bytes.remove_prefix(metadata);
  if (!is_blob) {
    record.value = bytes;
    return record;
  }
  if (bytes.size() != storage::kBlobIdBytes + 8) return std::nullopt;
  record.blob = storage::blob_of(bytes.substr(0, storage::kBlobIdBytes));
  record.size = number_of(bytes.substr(storage::kBlobIdBytes));
  return record;
}

// ---- namespaces
// ----------------------------------------------------------------------------------

Result<uint32_t> KvTables::find_namespace(Transaction& t, std::string_view identity) const {
  std::string text;
  SKEP_TRY_ASSIGN(const bool found, t.get(at(kNames), identity, text));
  return found ? static_cast<uint32_t>(number_of(text)) : 0;
}

Result<uint32_t> KvTables::make_namespace(WriteTransaction& t, std::string_view identity) const {
  SKEP_TRY_ASSIGN(uint32_t number, find_namespace(t, identity));
  if (number != 0) return number;
  SKEP_TRY_ASSIGN(number, find_namespace(t, kLastSpaceKey));
  SKEP_TRY(t.put(at(kNames), kLastSpaceKey, kv_number(number + 1, 4)));
  SKEP_TRY(t.put(at(kNames), identity, kv_number(number + 1, 4)));
  return number + 1;
}

// ---- records
// -------------------------------------------------------------------------------------

Result<std::optional<KvTables::Place>> KvTables::find(Transaction& t, uint32_t space,
                                                      std::string_view key) const {
  if (key.size() <= kDirectBytes) {
    return Place{at(kEntries), kv_number(space, 4).append(key)};
  }
  const std::string marker =
      kv_number(space, 4).append(key.substr(0, kDirectBytes)).append(1, '\0');
  std::string prefix;
  SKEP_TRY_ASSIGN(const bool found, t.get(at(kEntries), marker, prefix));
  if (!found) return std::nullopt;
  return Place{at(kLong), prefix.append(key.substr(kDirectBytes))};
}

Result<std::optional<KvRecord>> KvTables::get(Transaction& t, uint32_t space, std::string_view key,
                                              size_t most) const {
  SKEP_TRY_ASSIGN(const auto place, find(t, space, key));
  if (!place) return std::nullopt;
  std::string bytes;
  SKEP_TRY_ASSIGN(const bool found, t.get(place->table, place->key, bytes, most));
  if (!found) return std::nullopt;
  auto record = decode(bytes);
  if (!record) return damaged();
  return record;
}

// What hangs on the record that is there, if any.
Result<> KvTables::forget(WriteTransaction& t, const Place& place,
                          std::vector<storage::BlobId>& dropped) const {
  std::string bytes;
  SKEP_TRY_ASSIGN(const bool found, t.get(place.table, place.key, bytes, kKvHeadBytes));
  if (!found) return {};
  const auto old = decode(bytes);
  if (!old) return {};
  if (old->expiration != 0) SKEP_TRY(t.erase(at(kExpiry), expiry_key(*old)));
  if (old->blob) {
    SKEP_TRY(t.erase(Store::kBlobs, storage::blob_key(*old->blob)));
    dropped.push_back(*old->blob);
  }
  return {};
}

Result<> KvTables::put(WriteTransaction& t, uint32_t space, std::string_view key,
                       const KvRecord& record, uint64_t unique,
                       std::vector<storage::BlobId>& dropped) const {
  SKEP_TRY_ASSIGN(auto place, find(t, space, key));
  if (place) {
    SKEP_TRY(forget(t, *place, dropped));
  } else {
    const std::string prefix = kv_number(unique, 8);
    SKEP_TRY(t.put(at(kEntries),
                   kv_number(space, 4).append(key.substr(0, kDirectBytes)).append(1, '\0'),
                   prefix));
    place = Place{at(kLong), prefix + std::string(key.substr(kDirectBytes))};
  }
  SKEP_TRY(t.put(place->table, place->key, encode(record)));
  if (record.expiration != 0) {
    SKEP_TRY(t.put(at(kExpiry), expiry_key(record), kv_number(space, 4).append(key)));
  }
  if (record.blob) SKEP_TRY(t.put(Store::kBlobs, storage::blob_key(*record.blob), "kv"));
  return {};
}

Result<> KvTables::erase(WriteTransaction& t, uint32_t space, std::string_view key,
                         std::vector<storage::BlobId>& dropped) const {
  SKEP_TRY_ASSIGN(const auto place, find(t, space, key));
  if (!place) return {};
  SKEP_TRY(forget(t, *place, dropped));
  SKEP_TRY(t.erase(place->table, place->key));
  if (place->table != at(kLong)) return {};
  // The last of its beginning takes the marker along.
  const std::string prefix = place->key.substr(0, 8);
  Transaction::Entry entry;
  SKEP_TRY_ASSIGN(const bool more, t.first(at(kLong), prefix, entry, 0));
  if (more && entry.key.starts_with(prefix)) return {};
  SKEP_TRY(t.erase(at(kEntries),
                   kv_number(space, 4).append(key.substr(0, kDirectBytes)).append(1, '\0')));
  return {};
}

Result<size_t> KvTables::erase_expired(WriteTransaction& t, uint64_t now_s, size_t most,
                                       std::vector<storage::BlobId>& dropped) const {
  Transaction::Entry entry;
  for (size_t count = 0; count < most; ++count) {
    SKEP_TRY_ASSIGN(const bool found, t.first(at(kExpiry), {}, entry));
    if (!found || number_of(std::string_view(entry.key).substr(0, 8)) > now_s) return count;
    SKEP_TRY(t.erase(at(kExpiry), entry.key));
    if (entry.value.size() <= 4) continue;
    const auto space = static_cast<uint32_t>(number_of(std::string_view(entry.value).substr(0, 4)));
    const std::string_view key = std::string_view(entry.value).substr(4);
    SKEP_TRY_ASSIGN(const auto record, get(t, space, key, kKvHeadBytes));
    if (record && expiry_key(*record) == entry.key) SKEP_TRY(erase(t, space, key, dropped));
  }
  return most;
}

// ---- walking
// -------------------------------------------------------------------------------------

KvWalk::KvWalk(Transaction& transaction, const KvTables& tables, uint32_t space)
    : space_(kv_number(space, 4)),
      entries_(transaction, tables.at(KvTables::kEntries)),
      long_(transaction, tables.at(KvTables::kLong)) {}

Result<bool> KvWalk::seek(std::string_view from, Item& out) {
  prefix_.clear();
  if (from.size() <= KvTables::kDirectBytes) {
    return settle(entries_.seek(space_ + std::string(from), entry_, kKvHeadBytes), {}, out);
  }
  // Behind the name that is the beginning itself.
  const std::string begin(from.substr(0, KvTables::kDirectBytes));
  auto found = entries_.seek(space_ + begin + std::string(1, '\0'), entry_, kKvHeadBytes);
  const bool own = found && *found && entry_.key.starts_with(space_ + begin);
  return settle(std::move(found), own ? from.substr(KvTables::kDirectBytes) : std::string_view(),
                out);
}

Result<bool> KvWalk::next(Item& out) {
  if (prefix_.empty()) return settle(entries_.next(entry_, kKvHeadBytes), {}, out);
  SKEP_TRY_ASSIGN(const bool found, long_.next(inner_, kKvHeadBytes));
  if (!found || !inner_.key.starts_with(prefix_key_)) {
    prefix_.clear();
    return settle(entries_.next(entry_, kKvHeadBytes), {}, out);
  }
  auto record = decode(inner_.value);
  if (!record) return damaged();
  out = {prefix_ + inner_.key.substr(8), std::move(*record)};
  return true;
}

// What the cursor over the entries stands on: a record, or the way to the long names.
Result<bool> KvWalk::settle(Result<bool> found, std::string_view rest, Item& out) {
  for (;;) {
    if (!found) return found;
    if (!*found || !entry_.key.starts_with(space_)) return false;
    const std::string_view key = std::string_view(entry_.key).substr(4);
    if (key.size() <= KvTables::kDirectBytes) {
      auto record = decode(entry_.value);
      if (!record) return damaged();
      out = {std::string(key), std::move(*record)};
      return true;
    }
    SKEP_TRY_ASSIGN(const bool inside, descend(rest, out));
    if (inside) return true;
    rest = {};
    found = entries_.next(entry_, kKvHeadBytes);
  }
}

Result<bool> KvWalk::descend(std::string_view rest, Item& out) {
  prefix_key_ = entry_.value;
  SKEP_TRY_ASSIGN(const bool found,
                  long_.seek(prefix_key_ + std::string(rest), inner_, kKvHeadBytes));
  if (!found || prefix_key_.size() != 8 || !inner_.key.starts_with(prefix_key_)) return false;
  auto record = decode(inner_.value);
  if (!record) return damaged();
  prefix_ = entry_.key.substr(4, KvTables::kDirectBytes);
  out = {prefix_ + inner_.key.substr(8), std::move(*record)};
  return true;
}

}  // namespace skep::bindings
