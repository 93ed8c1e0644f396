// The writer's thread of a Database: takes what has gathered, commits it with one sync, answers.
#include <fmt/format.h>
#include <pthread.h>

#include <cerrno>

#include "base/limits_storage.h"
#include "storage/database_state.h"

namespace skep::storage {

void DatabaseState::run() {
  pthread_setname_np(pthread_self(), "skep-storage");
  for (;;) {
    auto batch = take_batch();
    if (batch.empty()) return;
    commit_batch(batch);
    answer(std::move(batch));
  }
}

// Empty: the end.
std::vector<DatabaseState::Waiting> DatabaseState::take_batch() {
  std::unique_lock lock(mutex);
  more.wait(lock, [&] { return ending || !queue.empty(); });
  std::vector<Waiting> batch;
  size_t bytes = 0;
  while (!queue.empty() && batch.size() < limits::kStoreCommitWrites &&
         bytes < limits::kStoreCommitBytes) {
    bytes += queue.front().bytes;
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  queued_bytes -= bytes;
  return batch;
}

void DatabaseState::commit_batch(std::vector<Waiting>& batch) {
  if (commit_together(batch)) return;
  for (Waiting& one : batch) commit_together({&one, 1});
}

int DatabaseState::begin_write(MDB_txn*& txn) {
  int code = lmdb([&] { return mdb_txn_begin(env, nullptr, 0, &txn); });
  // A sync of the first page failed in the commit before: LMDB wants to see the file anew.
  if (code == MDB_PANIC && reopen())
    code = lmdb([&] { return mdb_txn_begin(env, nullptr, 0, &txn); });
  return code;
}

bool DatabaseState::commit_together(std::span<Waiting> batch) {
  const auto fail_all = [&](const Error& why) {
    for (Waiting& one : batch) one.result = std::unexpected(why);
    return true;
  };
  for (;;) {
    if (is_broken()) return fail_all(broken_error().error());
    MDB_txn* raw = nullptr;
    if (const int code = begin_write(raw); code != MDB_SUCCESS)
      return fail_all(error(code).error());
    WriteTransaction transaction(*this, raw);
    Result<> failed;
    map_full = false;
    for (Waiting& one : batch) {
      one.result = one.write(transaction);
      if (one.result) continue;
      failed = one.result;
      break;
    }
    int code = MDB_SUCCESS;
    if (failed) {
      code = lmdb([&] { return mdb_txn_commit(raw); });
      if (code == MDB_SUCCESS) {
        for (auto& function : transaction.after_commit_) function();
        const std::lock_guard lock(mutex);
        ++stats.commits;
        stats.writes += batch.size();
        return true;
      }
    } else {
      lmdb([&] {
        mdb_txn_abort(raw);
        return MDB_SUCCESS;
      });
    }
    if (map_full || code == MDB_MAP_FULL) {
      if (auto grown = grow(); !grown) return fail_all(grown.error());
      continue;
    }
    if (code != MDB_SUCCESS) return fail_all(error(code).error());
    return batch.size() == 1;
  }
}

Result<> DatabaseState::grow() {
  const std::unique_lock lock(map_mutex);
  if (map_bytes >= limits::kStoreLastMapBytes) {
    return std::unexpected(
        Error{fmt::format("{}: the database is as large as it may be", file), ENOSPC});
  }
  const int code = lmdb([&] { return mdb_env_set_mapsize(env, map_bytes * 2); });
  if (code != MDB_SUCCESS) return error(code);
  map_bytes *= 2;
  return {};
}

Result<> DatabaseState::reopen() {
  const std::unique_lock lock(map_mutex);
  close_file();
  auto opened = open_file();
  if (!opened) mark_broken(opened.error().message);
  return opened;
}

void DatabaseState::answer(std::vector<Waiting> batch) {
  {
    const std::lock_guard lock(mutex);
    for (Waiting& one : batch) {
      one.write = nullptr;
      if (!one.result) ++stats.failed;
      if (one.at_once) one.at_once(one.result);
      answered.push_back(std::move(one));
    }
  }
  loop.wake();
}

void DatabaseState::deliver() {
  std::vector<Waiting> now;
  {
    const std::lock_guard lock(mutex);
    now.swap(answered);
  }
  for (Waiting& one : now) {
    if (one.done) one.done(std::move(one.result));
  }
}

}  // namespace skep::storage
