// The inside of a Database, shared by its thread, its transactions and the hook in the loop.
#pragma once

#include <lmdb.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <thread>

#include "storage/database.h"
#include "storage/fault_guard.h"

namespace skep::storage {

struct DatabaseState {
  struct Waiting {
    Database::Write write;
    size_t bytes = 0;
    Database::Done done;
    Result<> result;
    std::function<void(const Result<>&)> at_once;  // on the writer's thread
  };

  DatabaseState(loop::Loop& loop_in, std::string file_in, std::vector<std::string> tables_in)
      : loop(loop_in), file(std::move(file_in)), table_names(std::move(tables_in)) {}

  Result<> open_file();
  void close_file();
  // "FILE: WHAT"; notes errors after which the file cannot be used.
  std::unexpected<Error> error(int code);
  // Calls LMDB. What it says, or MDB_CORRUPTED where it faulted.
  template <typename Call>
  int lmdb(Call&& call) {
    int code = MDB_CORRUPTED;
    if (is_broken() || !guarded([&] { code = call(); })) return MDB_CORRUPTED;
    return code;
  }
  bool is_broken() const { return broken.load(std::memory_order_acquire); }
  std::unexpected<Error> broken_error();
  void mark_broken(std::string why);

  // --- the writer's thread ---
  void run();
  std::vector<Waiting> take_batch();
  void commit_batch(std::vector<Waiting>& batch);
  // All or nothing. False: a write of more than one failed by itself, so each is to be tried alone.
  bool commit_together(std::span<Waiting> batch);
  int begin_write(MDB_txn*& txn);
  Result<> grow();
  Result<> reopen();
  void answer(std::vector<Waiting> batch);

  // --- the loop's thread ---
  void deliver();

  loop::Loop& loop;
  const std::string file;
  const std::vector<std::string> table_names;
  MDB_env* env = nullptr;
  std::vector<MDB_dbi> tables;
  size_t map_bytes = 0;
  std::atomic<bool> broken = false;
  std::string why_broken;  // under `mutex`
  bool map_full = false;   // the writer's: seen since the transaction began
  // Shared by readers; alone whoever moves the map.
  std::shared_mutex map_mutex;

  std::mutex mutex;
  std::condition_variable more;
  std::deque<Waiting> queue;
  size_t queued_bytes = 0;
  std::vector<Waiting> answered;
  Database::Stats stats;
  bool ending = false;
  std::thread thread;
};

}  // namespace skep::storage
