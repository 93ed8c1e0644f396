#include "storage/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/assert.h"
#include "base/limits_storage.h"
#include "base/unique_fd.h"
#include "storage/database_state.h"
#include "storage/fault_guard.h"

namespace skep::storage {
namespace {

MDB_val val(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

// Copies out of the map, which may fault: before the string is touched, its size is settled.
int copy_out(const MDB_val& from, std::string& out, size_t most) {
  out.resize(std::min(from.mv_size, most));
  char* to = out.data();
  const size_t bytes = out.size();
  return guarded([&] { std::memcpy(to, from.mv_data, bytes); }) ? MDB_SUCCESS : MDB_CORRUPTED;
}

// What a broken file could claim.
constexpr size_t kLargestValueBytes = 1ull << 30;

int copy_entry(const MDB_val& key, const MDB_val& value, Transaction::Entry& out, size_t most) {
  if (key.mv_size > limits::kStoreKeyBytes + 16 || value.mv_size > kLargestValueBytes)
    return MDB_CORRUPTED;
  if (const int code = copy_out(key, out.key, SIZE_MAX); code != MDB_SUCCESS) return code;
  return copy_out(value, out.value, most);
}

}  // namespace

// ---- transactions
// --------------------------------------------------------------------------------

Result<bool> Transaction::get(Table table, std::string_view key, std::string& out, size_t most) {
  MDB_val wanted = val(key), found = {};
  int code = state_.lmdb([&] { return mdb_get(txn_, state_.tables[table], &wanted, &found); });
  if (code == MDB_NOTFOUND) return false;
  if (code == MDB_SUCCESS && found.mv_size > kLargestValueBytes) code = MDB_CORRUPTED;
  if (code == MDB_SUCCESS) code = copy_out(found, out, most);
  if (code != MDB_SUCCESS) return state_.error(code);
  return true;
}

Result<bool> Transaction::first(Table table, std::string_view from, Entry& out, size_t most) {
  Cursor cursor(*this, table);
  return cursor.seek(from, out, most);
}

ReadTransaction::~ReadTransaction() {
  state_.lmdb([&] {
    mdb_txn_abort(txn_);
    return MDB_SUCCESS;
  });
  state_.map_mutex.unlock_shared();
}

Result<> WriteTransaction::put(Table table, std::string_view key, std::string_view value) {
  SKEP_ASSERT(!key.empty() && key.size() <= limits::kStoreKeyBytes);
  MDB_val at = val(key), what = val(value);
  const int code = state_.lmdb([&] { return mdb_put(txn_, state_.tables[table], &at, &what, 0); });
  if (code != MDB_SUCCESS) return state_.error(code);
  return {};
}

Result<bool> WriteTransaction::erase(Table table, std::string_view key) {
  MDB_val at = val(key);
  const int code = state_.lmdb([&] { return mdb_del(txn_, state_.tables[table], &at, nullptr); });
  if (code == MDB_NOTFOUND) return false;
  if (code != MDB_SUCCESS) return state_.error(code);
  return true;
}

Cursor::~Cursor() {
  if (cursor_ == nullptr) return;
  transaction_.state_.lmdb([&] {
    mdb_cursor_close(cursor_);
    return MDB_SUCCESS;
  });
}

Result<bool> Cursor::step(int operation, std::string_view from, Transaction::Entry& out,
                          size_t most) {
  DatabaseState& state = transaction_.state_;
  MDB_val key = val(from), value = {};
  int code = state.lmdb([&] {
    if (cursor_ == nullptr) {
      const int opened = mdb_cursor_open(transaction_.txn_, state.tables[table_], &cursor_);
      if (opened != MDB_SUCCESS) return opened;
    }
    return mdb_cursor_get(cursor_, &key, &value, static_cast<MDB_cursor_op>(operation));
  });
  if (code == MDB_NOTFOUND) return false;
  if (code == MDB_SUCCESS) code = copy_entry(key, value, out, most);
  if (code != MDB_SUCCESS) return state.error(code);
  return true;
}

Result<bool> Cursor::seek(std::string_view from, Transaction::Entry& out, size_t most) {
  if (from.empty()) return step(MDB_FIRST, from, out, most);
  return step(MDB_SET_RANGE, from, out, most);
}

Result<bool> Cursor::next(Transaction::Entry& out, size_t most) {
  return step(MDB_NEXT, {}, out, most);
}

// ---- Database
// ------------------------------------------------------------------------------------

Database::Database(std::shared_ptr<DatabaseState> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Database>> Database::open(loop::Loop& loop, const std::string& file,
                                                 std::vector<std::string> tables) {
  install_fault_handlers();
  auto state = std::make_shared<DatabaseState>(loop, file, std::move(tables));
  SKEP_TRY(state->open_file());
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  // The loop outlives the database and cannot forget a hook.
  loop.add_turn_hook([weak = std::weak_ptr(state)](bool) {
    if (const auto alive = weak.lock()) alive->deliver();
    return false;
  });
  return std::unique_ptr<Database>(new Database(std::move(state)));
}

Database::~Database() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->more.notify_one();
  state_->thread.join();
  if (!state_->is_broken()) state_->close_file();
}

Result<std::unique_ptr<ReadTransaction>> Database::begin_read() {
  DatabaseState& state = *state_;
  if (state.is_broken()) return state.broken_error();
  state.map_mutex.lock_shared();
  MDB_txn* txn = nullptr;
  const int code = state.lmdb([&] { return mdb_txn_begin(state.env, nullptr, MDB_RDONLY, &txn); });
  if (code != MDB_SUCCESS) {
    state.map_mutex.unlock_shared();
    return state.error(code);
  }
  return std::unique_ptr<ReadTransaction>(new ReadTransaction(state, txn));
}

Result<> Database::write_and_wait(Write write) {
  struct {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Result<>> result;
  } wait;
  // The write hears the outcome on its own thread: the loop does not turn meanwhile.
  DatabaseState::Waiting waiting{std::move(write), 0, nullptr, {}, nullptr};
  waiting.at_once = [&wait](const Result<>& result) {
    const std::lock_guard lock(wait.mutex);
    wait.result = result;
    wait.changed.notify_one();
  };
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(waiting));
  }
  state_->more.notify_one();
  std::unique_lock lock(wait.mutex);
  wait.changed.wait(lock, [&] { return wait.result.has_value(); });
  return *wait.result;
}

void Database::write(Write write, size_t bytes, Done done) {
  DatabaseState& state = *state_;
  Result<> refused;
  {
    const std::lock_guard lock(state.mutex);
    if (state.queue.size() >= limits::kStoreQueuedWrites ||
        state.queued_bytes + bytes > limits::kStoreQueuedBytes) {
      refused = fail("too many writes wait for the disk");
      state.answered.push_back({nullptr, 0, std::move(done), std::move(refused), nullptr});
      state.loop.wake();
      return;
    }
    state.queued_bytes += bytes;
    state.queue.push_back({std::move(write), bytes, std::move(done), {}, nullptr});
  }
  state.more.notify_one();
}

const std::string& Database::file() const {
  return state_->file;
}

Database::Stats Database::stats() const {
  const std::lock_guard lock(state_->mutex);
  Stats stats = state_->stats;
  stats.queued = state_->queue.size();
  return stats;
}

// ---- opening
// -------------------------------------------------------------------------------------

std::unexpected<Error> DatabaseState::error(int code) {
  const std::string text = fmt::format("{}: {}", file, mdb_strerror(code));
  if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
      code == MDB_VERSION_MISMATCH) {
    mark_broken(text);
    return broken_error();
  }
  if (code == MDB_MAP_FULL) map_full = true;
  return std::unexpected(Error{text, code > 0 ? code : 0});
}

void DatabaseState::mark_broken(std::string why) {
  const std::lock_guard lock(mutex);
  if (is_broken()) return;
  why_broken = std::move(why);
  broken.store(true, std::memory_order_release);
}

std::unexpected<Error> DatabaseState::broken_error() {
  const std::lock_guard lock(mutex);
  return std::unexpected(Error{why_broken, EIO});
}

namespace {

// A descriptor of the file or folder, synced.
Result<> sync_path(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return fail_errno(path, errno);
  return {};
}

// LMDB makes a file in place; where that is cut off, what is left is no database for ever. So it is
// made under another name, and gets its own when it is whole.
Result<> make_file(const std::string& file) {
  struct stat status;
  if (stat(file.c_str(), &status) == 0 && status.st_size > 0) return {};
  const std::string fresh = file + ".new";
  unlink(fresh.c_str());
  MDB_env* env = nullptr;
  int code = mdb_env_create(&env);
  if (code == MDB_SUCCESS) {
    code = mdb_env_open(env, fresh.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    mdb_env_close(env);
  }
  if (code != MDB_SUCCESS) {
    return std::unexpected(
        Error{fmt::format("{}: {}", file, mdb_strerror(code)), code > 0 ? code : EIO});
  }
  SKEP_TRY(sync_path(fresh));
  if (rename(fresh.c_str(), file.c_str()) != 0) return fail_errno(file, errno);
  return sync_path(file.substr(0, file.rfind('/') + 1));
}

}  // namespace

Result<> DatabaseState::open_file() {
  SKEP_TRY(make_file(file));
  const auto checked = [&](int code) -> Result<> {
    if (code == MDB_SUCCESS) return {};
    return std::unexpected(
        Error{fmt::format("{}: {}", file, mdb_strerror(code)), code > 0 ? code : EIO});
  };
  SKEP_TRY(checked(mdb_env_create(&env)));
  mdb_env_set_assert(env, [](MDB_env*, const char*) { abandon(); });
  map_bytes = std::max(map_bytes, limits::kStoreFirstMapBytes);
  MDB_txn* txn = nullptr;
  int code = lmdb([&] {
    int step = mdb_env_set_maxdbs(env, limits::kStoreTables);
    if (step == MDB_SUCCESS) step = mdb_env_set_mapsize(env, map_bytes);
    // A reader is a call from the loop: there are one or two.
    if (step == MDB_SUCCESS) step = mdb_env_set_maxreaders(env, 64);
    if (step == MDB_SUCCESS) step = mdb_env_open(env, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS, 0600);
    if (step == MDB_SUCCESS) step = mdb_txn_begin(env, nullptr, 0, &txn);
    return step;
  });
  tables.assign(table_names.size(), 0);
  for (size_t i = 0; code == MDB_SUCCESS && i < table_names.size(); ++i) {
    code = lmdb([&] { return mdb_dbi_open(txn, table_names[i].c_str(), MDB_CREATE, &tables[i]); });
  }
  if (code == MDB_SUCCESS) code = lmdb([&] { return mdb_txn_commit(txn); });
  if (code == MDB_SUCCESS) {
    MDB_envinfo info = {};
    code = lmdb([&] { return mdb_env_info(env, &info); });
    map_bytes = info.me_mapsize;
  }
  return checked(code);
}

void DatabaseState::close_file() {
  guarded([&] { mdb_env_close(env); });
  env = nullptr;
}

}  // namespace skep::storage
