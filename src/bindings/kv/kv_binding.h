// A KV namespace in the shard: the capability, the counters that say whether what is remembered
// still holds, and reading large values from their files. Behind a member of env (kv_ops.cc,
// kv.part.js); on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/ops.h"
#include "api/binding.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "bindings/bindings.h"
#include "bindings/kv/generations.h"
#include "bindings/kv/kv_cache.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

std::span<const api::Op> kv_ops();

struct KvOptions {
  uint64_t expiration = 0;  // seconds since the epoch; 0: none
  std::string metadata;     // JSON; empty: none
};

// What a read gives: the value, or the file that it lies in.
struct KvRead {
  std::shared_ptr<const KvValue> value;  // never null; without bytes where there is a file
  UniqueFd file;
  uint64_t size = 0;
};

struct KvListed {
  struct Key {
    std::string name, metadata;
    uint64_t expiration;
  };
  std::vector<Key> keys;
  std::string cursor;  // "": the last page
};

class KvBinding final : public api::Binding {
 public:
  static constexpr char kKind = 0;

  KvBinding(BindingContext& context, rpc::KvNamespace::Client client);
  ~KvBinding() noexcept override;
  std::string_view part() const override { return "kv/kv"; }
  const void* kind() const override { return &kKind; }

  // What is remembered and known to be as it is on the broker's disk; null: ask. Valid until the
  // loop turns.
  const KvValue* hot(std::string_view key);

  template <typename T>
  using Done = std::function<void(Result<T>)>;
  void get(std::string key, Done<KvRead> done);
  // Of at most limits::kKvInlineBytes.
  void put(std::string_view key, std::string_view value, const KvOptions& options, Done<void> done);
  void erase(std::string_view key, Done<void> done);
  void list(std::string_view prefix, uint32_t limit, std::string_view cursor, Done<KvListed> done);
  // A large value: chunks, each after the one before it was answered, then end().
  rpc::KvSink::Client open_sink(std::string_view key, const KvOptions& options);
  static void write(BindingContext& context, rpc::KvSink::Client& sink, std::string_view chunk,
                    Done<void> done);
  static void end(BindingContext& context, rpc::KvSink::Client& sink, Done<void> done);

  BindingContext& context() { return context_; }

 private:
  struct Shared;
  void map_generations();

  BindingContext& context_;
  rpc::KvNamespace::Client client_;
  std::shared_ptr<Shared> shared_;
};

// Reads a file piece by piece, from `begin` to `size`, without making the loop wait for the disk.
class FileReader {
 public:
  FileReader(loop::Loop& loop, UniqueFd file, uint64_t size, uint64_t begin = 0);
  ~FileReader();

  // At most `most` bytes, empty at the end. One read at a time.
  void read(size_t most, std::function<void(Result<std::string>)> done);
  uint64_t left() const { return size_ - offset_; }
  bool reading() const { return running_ != nullptr; }

 private:
  class Operation;
  loop::Loop& loop_;
  std::shared_ptr<UniqueFd> file_;
  uint64_t size_;
  uint64_t offset_;
  Operation* running_ = nullptr;
};

}  // namespace skep::bindings
