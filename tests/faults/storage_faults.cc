// The fault harness of storage: for each seed a process writes KV on a disk that fails and is cut
// off (fault_layer.h); then the store is opened again and everything is looked at: no acknowledged
// write is lost, none is half visible, indexes and blobs agree, and opening took less than a
// second. usage: storage_faults [--seeds N] [--first SEED]
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "base/time.h"
#include "bindings/kv/broker/kv_store.h"
#include "fault_layer.h"

namespace skep::faults {
namespace {

using bindings::KvData;
using bindings::KvRecord;
using bindings::KvStore;
using bindings::KvTables;
using bindings::StoreHolder;

constexpr size_t kKeys = 24;
constexpr size_t kWrites = 160;
constexpr uint64_t kForever = 4'000'000'000;  // seconds since the epoch

// What the writing process tells of its writes; in shared memory, so that it outlives it.
enum class Fate : uint8_t { not_made, waits, kept, failed };
struct Diary {
  std::array<std::atomic<Fate>, kWrites> fates;
  std::atomic<bool> began;  // the store was open
};

struct Write {
  size_t key;
  bool erases = false;
  bool large = false;
  bool expires = false;
  size_t bytes;
};

// The same in the writer and the judge.
std::vector<Write> make_writes(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Write> writes;
  for (size_t i = 0; i < kWrites; ++i) {
    Write write{.key = random() % kKeys, .bytes = random() % 3000};
    write.erases = random() % 6 == 0;
    write.large = random() % 8 == 0;
    write.expires = random() % 4 == 0;
    if (write.large) write.bytes += 1;
    writes.push_back(write);
  }
  return writes;
}

std::string key_of(size_t index) {
  std::string key = fmt::format("key{:03}", index);
  // Some are longer than the database's.
  if (index % 4 == 0) key.insert(0, std::string(490, index % 8 == 0 ? 'a' : 'b'));
  return key;
}

// Tells of which write it is, and every byte of it can be told from another's.
std::string value_of(const Write& write, size_t number) {
  std::string value = fmt::format("{}:", number);
  while (value.size() < write.bytes) value += fmt::format("{:04x}", number * 7919 + value.size());
  value.resize(std::max(write.bytes, fmt::format("{}:", number).size()));
  return value;
}

class World {
 public:
  explicit World(const std::string& folder) {
    loop_ = std::move(*loop::Loop::create({.entries = 64}));
    holder_ = std::make_unique<StoreHolder>(*loop_, bindings::StorePlace{folder, false, 1},
                                            KvStore::tables());
    kv_ = std::make_unique<KvStore>(*loop_, *holder_, storage::Store::kFirstTable);
    data_ = *kv_->open("id:faults");
  }
  ~World() {
    data_.reset();
    kv_.reset();
    holder_.reset();
  }
  KvData& data() { return *data_; }
  StoreHolder& holder() { return *holder_; }
  void turn(bool wait) {
    loop::Timer tick(*loop_, [] {});
    tick.set_ms(5);
    if (!loop_->turn(wait)) _exit(98);
  }

 private:
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<StoreHolder> holder_;
  std::unique_ptr<KvStore> kv_;
  std::shared_ptr<KvData> data_;
};

// ---- the process that writes
// ---------------------------------------------------------------------

void start(World& world, const Write& write, size_t number, Diary& diary, size_t& open,
           std::vector<std::unique_ptr<storage::BlobWriter>>& blobs) {
  const auto done = [&diary, &open, number](Result<> result) {
    diary.fates[number] = result ? Fate::kept : Fate::failed;
    --open;
  };
  ++open;
  diary.fates[number] = Fate::waits;
  if (write.erases) return world.data().erase(key_of(write.key), done);
  KvRecord record;
  record.metadata = fmt::format("{}", number);
  if (write.expires) record.expiration = kForever;
  std::string value = value_of(write, number);
  if (!write.large) {
    record.value = std::move(value);
    return world.data().put(key_of(write.key), std::move(record), done);
  }
  auto blob = world.data().create_blob();
  if (!blob) return done(std::unexpected(blob.error()));
  record.blob = (*blob)->id();
  record.size = value.size();
  (*blob)->write(std::move(value), nullptr);
  (*blob)->finish([&world, key = key_of(write.key), record, done](Result<> finished) {
    if (!finished) return done(std::move(finished));
    world.data().put_blob(key, record, done);
  });
  blobs.push_back(std::move(*blob));
}

// Up to a few at once, as concurrent requests do. Writes of one key wait for one another, so that
// their order is known.
int write_all(const std::string& folder, uint64_t seed, bool lies, Diary& diary) {
  std::mt19937_64 random(seed ^ 0x5eed);
  Plan plan{.seed = seed, .lies = lies};
  const uint64_t kind = seed % 4;
  if (kind != 1) plan.power_cut_after = 5 + random() % 350;
  plan.power_cut = kind != 3;
  if (kind != 0) plan.errors_per_mille = static_cast<unsigned>(random() % 60);
  if (random() % 3 == 0) {
    plan.full_from = 20 + random() % 200;
    plan.full_until = plan.full_from + random() % 100;
  }
  World world(folder);
  begin(plan);
  // The first of the store fails, too.
  while (!world.holder().get()) world.turn(true);
  diary.began = world.holder().opened() != nullptr;
  const std::vector<Write> writes = make_writes(seed);
  std::vector<std::unique_ptr<storage::BlobWriter>> blobs;
  size_t open = 0;
  const size_t together = 1 + random() % 12;
  std::map<size_t, size_t> last;  // of each key
  for (size_t i = 0; i < writes.size(); ++i) {
    const auto before = last.find(writes[i].key);
    while (open >= together ||
           (before != last.end() && diary.fates[before->second] == Fate::waits)) {
      world.turn(true);
    }
    start(world, writes[i], i, diary, open, blobs);
    last[writes[i].key] = i;
  }
  while (open > 0) world.turn(true);
  end();
  return 0;
}

// ---- the judge
// -----------------------------------------------------------------------------------

class Judge {
 public:
  Judge(const std::string& folder, uint64_t seed, const Diary& diary)
      : folder_(folder), writes_(make_writes(seed)), diary_(diary), world_(folder) {}

  // "" or what is wrong.
  std::string run() {
    const int64_t begun_ns = monotonic_ns();
    auto store = world_.holder().get();
    if (!store) return "it cannot be opened: " + store.error().message;
    const double took_s = static_cast<double>(monotonic_ns() - begun_ns) / 1e9;
    if (took_s > 1) return fmt::format("opening it took {:.1f} s", took_s);
    for (size_t key = 0; key < kKeys; ++key) {
      if (std::string wrong = look_at(key); !wrong.empty()) return wrong;
    }
    if (std::string wrong = compare_lists(); !wrong.empty()) return wrong;
    if (std::string wrong = compare_indexes(**store); !wrong.empty()) return wrong;
    return use_it_again();
  }

 private:
  // Which writes of the key may be what is there: the last that was acknowledged, and each after
  // it.
  std::string look_at(size_t key) {
    std::set<size_t> allowed;
    bool may_be_missing = true;
    for (size_t i = 0; i < writes_.size(); ++i) {
      const Fate fate = diary_.fates[i];
      if (writes_[i].key != key || fate == Fate::not_made) continue;
      if (fate == Fate::kept) {
        allowed.clear();
        may_be_missing = false;
      }
      if (writes_[i].erases) {
        may_be_missing = true;
      } else {
        allowed.insert(i);
      }
    }
    uint64_t generation = 0;
    auto found = world_.data().get(key_of(key), generation);
    if (!found) return fmt::format("key {}: {}", key, found.error().message);
    if (!*found) {
      return may_be_missing ? "" : fmt::format("key {} is lost: an acknowledged write", key);
    }
    const KvRecord& record = (*found)->record;
    size_t number = kWrites;
    std::from_chars(record.metadata.data(), record.metadata.data() + record.metadata.size(),
                    number);
    if (!allowed.contains(number)) {
      return fmt::format("key {} has the value of write {}, not of the last", key, number);
    }
    std::string value = record.value;
    if (record.blob) {
      value.assign(record.size + 1, '\0');
      const ssize_t read = pread((*found)->blob.get(), value.data(), value.size(), 0);
      value.resize(static_cast<size_t>(std::max<ssize_t>(0, read)));
    }
    if (value != value_of(writes_[number], number))
      return fmt::format("key {}: write {} is half visible", key, number);
    there_.insert(key_of(key));
    return "";
  }

  std::string compare_lists() {
    std::set<std::string> listed;
    std::string cursor;
    do {
      auto page = world_.data().list("", 7, cursor);
      if (!page || !*page) return "keys cannot be listed";
      for (const auto& [name, record] : (*page)->keys) listed.insert(name);
      cursor = (*page)->cursor;
    } while (!cursor.empty());
    return listed == there_ ? "" : "the list of keys is not what is there";
  }

  // Records, those that expire, blobs in the database and blobs on the disk.
  std::string compare_indexes(storage::Store& store) {
    const KvTables tables(storage::Store::kFirstTable);
    std::set<std::string> expected_expiry, expected_blobs, expiry, blobs;
    auto read = store.database().begin_read();
    if (!read) return read.error().message;
    for (const std::string& key : there_) {
      auto record = tables.get(**read, 1, key);
      if (!record || !*record) return "a record cannot be read";
      if ((*record)->expiration != 0) {
        expected_expiry.insert(bindings::kv_number((*record)->expiration, 8) +
                               bindings::kv_number((*record)->sequence, 8));
      }
      if ((*record)->blob) expected_blobs.insert(storage::blob_key(*(*record)->blob));
    }
    collect(**read, tables.at(KvTables::kExpiry), expiry);
    collect(**read, storage::Store::kBlobs, blobs);
    if (expiry != expected_expiry) return "the index of expiry is not that of the records";
    if (blobs != expected_blobs) return "the index of blobs is not that of the records";
    // The sweep of the start runs on the blobs' thread, before what comes after it.
    bool swept = false;
    auto after = store.blobs().create();
    after->write("x", [&](Result<>) { swept = true; });
    while (!swept) world_.turn(true);
    size_t files = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder_ + "/store/blobs")) {
      ++files;
    }
    if (files != blobs.size()) return fmt::format("{} blobs, {} files", blobs.size(), files);
    return "";
  }

  static void collect(storage::Transaction& t, storage::Table table, std::set<std::string>& into) {
    storage::Cursor cursor(t, table);
    storage::Transaction::Entry entry;
    for (auto found = cursor.seek({}, entry); found && *found; found = cursor.next(entry))
      into.insert(entry.key);
  }

  std::string use_it_again() {
    bool done = false, kept = false;
    KvRecord record;
    record.value = "after";
    world_.data().put("after", record, [&](Result<> result) {
      done = true;
      kept = result.has_value();
    });
    while (!done) world_.turn(true);
    return kept ? "" : "it takes no more writes";
  }

  const std::string folder_;
  const std::vector<Write> writes_;
  const Diary& diary_;
  World world_;
  std::set<std::string> there_;
};

// ---- seeds
// ---------------------------------------------------------------------------------------

int in_child(const std::function<int()>& run) {
  const pid_t child = fork();
  if (child == 0) _exit(run());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct Tally {
  size_t passed = 0, cut = 0;
};

// False: it failed, and says why unless it was meant to.
bool run_seed(uint64_t seed, const std::string& folder, bool lies, Diary& diary, Tally& tally) {
  std::memset(static_cast<void*>(&diary), 0, sizeof diary);
  const int written = in_child([&] { return write_all(folder, seed, lies, diary); });
  if (written != 0 && written != kPowerCutStatus) {
    fmt::print("FAIL seed {}: the writer ended with {}\n", seed, written);
    return false;
  }
  tally.cut += written == kPowerCutStatus;
  const int judged = in_child([&] {
    Judge judge(folder, seed, diary);
    const std::string wrong = judge.run();
    if (!wrong.empty() && !lies) fmt::print("FAIL seed {}: {}\n", seed, wrong);
    std::fflush(stdout);
    return wrong.empty() ? 0 : 1;
  });
  if (judged > 1 && !lies) fmt::print("FAIL seed {}: the judge ended with {}\n", seed, judged);
  return judged == 0;
}

Tally run_seeds(const std::string& base, uint64_t first, uint64_t count, bool lies, Diary& diary) {
  Tally tally;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const std::string folder = fmt::format("{}/{}", base, seed);
    std::filesystem::create_directory(folder);
    std::fflush(stdout);
    const bool good = run_seed(seed, folder, lies, diary, tally);
    tally.passed += good;
    if (good || lies) std::filesystem::remove_all(folder);
  }
  return tally;
}

int run(uint64_t first, uint64_t count) {
  auto* diary = static_cast<Diary*>(
      mmap(nullptr, sizeof(Diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  // Memory where it can be had: the kernel's own syncs prove nothing here and take time.
  std::string base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  base += "/skep-faults-XXXXXX";
  if (diary == MAP_FAILED || mkdtemp(base.data()) == nullptr) return 2;
  const Tally tally = run_seeds(base, first, count, false, *diary);
  fmt::print("{} seeds, {} of them cut off\n", count, tally.cut);
  // What would be found if the storage did not sync: the judge must see it.
  constexpr uint64_t kLies = 30;
  const Tally lies = run_seeds(base, first, kLies, true, *diary);
  fmt::print("{} seeds on a disk that lies about syncs, {} of them found out\n", kLies,
             kLies - lies.passed);
  const bool sees = lies.passed < kLies;
  if (!sees) fmt::print("FAIL a disk that lies goes unnoticed\n");
  const bool good = tally.passed == count;
  if (good) std::filesystem::remove_all(base);
  fmt::print("{} passed, {} failed\n", tally.passed + sees, count - tally.passed + !sees);
  return good && sees ? 0 : 1;
}

}  // namespace
}  // namespace skep::faults

int main(int argc, char** argv) {
  uint64_t first = 1, count = 1000;
  for (int i = 1; i + 1 < argc; i += 2) {
    uint64_t* const into = std::string_view(argv[i]) == "--first" ? &first : &count;
    const std::string_view text = argv[i + 1];
    if (std::from_chars(text.data(), text.data() + text.size(), *into).ec != std::errc()) {
      fmt::print(stderr, "usage: storage_faults [--seeds N] [--first SEED]\n");
      return 2;
    }
  }
  return skep::faults::run(first, count);
}
