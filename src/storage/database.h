// A database in one file (LMDB): ordered tables of bytes to bytes. Reads are transactions on the
// loop's thread, from the memory map. All writes go through one thread that commits what has
// gathered meanwhile with a single sync, and answers each write when it is on the disk. Used by the
// broker alone; owned by its Store.
//
// What the file holds is not trusted to be whole: a page that makes no sense or cannot be read ends
// the use of this database with an error that names the file, not the process (fault_guard.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"

struct MDB_txn;
struct MDB_cursor;

namespace skep::storage {

struct DatabaseState;

// By its place in the list that Database::open was given.
using Table = unsigned;

// What reading and writing transactions have in common. Keys: 1 to limits::kStoreKeyBytes bytes.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // False: there is no such key. `out` gets at most `most` bytes of the value.
  Result<bool> get(Table table, std::string_view key, std::string& out, size_t most = SIZE_MAX);
  // The first entry whose key is not before `from`. False: there is none.
  struct Entry {
    std::string key, value;
  };
  Result<bool> first(Table table, std::string_view from, Entry& out, size_t most = SIZE_MAX);

 protected:
  Transaction(DatabaseState& state, MDB_txn* txn) : state_(state), txn_(txn) {}
  ~Transaction() = default;
  DatabaseState& state_;
  MDB_txn* txn_;

  friend class Cursor;
};

// On the loop's thread, and not longer than a call from the loop: it holds old pages in place.
class ReadTransaction final : public Transaction {
 public:
  ~ReadTransaction();

 private:
  friend class Database;
  using Transaction::Transaction;
};

class WriteTransaction final : public Transaction {
 public:
  Result<> put(Table table, std::string_view key, std::string_view value);
  // Whether there was such a key.
  Result<bool> erase(Table table, std::string_view key);
  // Runs on the writer's thread when the commit is on the disk, before anybody hears of it.
  void after_commit(std::function<void()> function) {
    after_commit_.push_back(std::move(function));
  }

 private:
  friend class Database;
  friend struct DatabaseState;
  using Transaction::Transaction;
  std::vector<std::function<void()>> after_commit_;
};

// Walks over a table in the order of the keys. Must go before its transaction.
class Cursor {
 public:
  Cursor(Transaction& transaction, Table table) : transaction_(transaction), table_(table) {}
  ~Cursor();
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // The first entry whose key is not before `from`, then the one after it, and so on. False: the
  // end. `most`: bytes of the value that are wanted.
  Result<bool> seek(std::string_view from, Transaction::Entry& out, size_t most = SIZE_MAX);
  Result<bool> next(Transaction::Entry& out, size_t most = SIZE_MAX);

 private:
  Result<bool> step(int operation, std::string_view from, Transaction::Entry& out, size_t most);
  Transaction& transaction_;
  Table table_;
  MDB_cursor* cursor_ = nullptr;
};

class Database {
 public:
  // `file` and `file`-lock are made where they are missing. The tables' names must not change.
  // Errors name the file.
  static Result<std::unique_ptr<Database>> open(loop::Loop& loop, const std::string& file,
                                                std::vector<std::string> tables);
  // Finishes what was queued; nobody is answered any more.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<std::unique_ptr<ReadTransaction>> begin_read();

  // Runs with a transaction that nobody else writes in. A function may be run more than once (what
  // its first run did is undone then), on the writer's thread, so it changes nothing but the
  // transaction; where it fails, nothing of it is kept, and `done` hears its error.
  using Write = std::function<Result<>(WriteTransaction&)>;
  // On the loop's stack, when the write is on the disk or has failed.
  using Done = std::function<void(Result<>)>;
  // `bytes`: what it holds in memory, for the bounds of the queue.
  void write(Write write, size_t bytes, Done done);

  // The same at once, for the start: blocks the caller until it is on the disk.
  Result<> write_and_wait(Write write);

  const std::string& file() const;
  struct Stats {
    uint64_t commits = 0, writes = 0, failed = 0;
    size_t queued = 0;
  };
  Stats stats() const;

 private:
  explicit Database(std::shared_ptr<DatabaseState> state);
  std::shared_ptr<DatabaseState> state_;
};

}  // namespace skep::storage
