#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "base/time.h"
#include "storage/store.h"

#if __has_feature(address_sanitizer)
// A database that LMDB found damaged is left as it stands (fault_guard.h): it cannot be closed.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:mdb_";
}
#endif

namespace skep::storage {
namespace {

constexpr Table kTable = Store::kFirstTable;

class StorageTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/skep-storage-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    loop_ = std::move(*loop::Loop::create({.entries = 64}));
    open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    auto store = Store::open(*loop_, folder_ + "/store", {"things"});
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }
  void reopen() {
    store_.reset();
    open();
  }
  void run_until(const std::function<bool()>& condition) {
    const int64_t end_ns = monotonic_ns() + 60'000'000'000;
    loop::Timer tick(*loop_, [] {});
    while (!condition()) {
      ASSERT_LT(monotonic_ns(), end_ns);
      tick.set_ms(10);
      ASSERT_TRUE(loop_->turn(true));
    }
  }
  Result<> put(std::string key, std::string value) {
    return write([=](WriteTransaction& t) { return t.put(kTable, key, value); });
  }
  Result<> write(Database::Write function) {
    std::optional<Result<>> result;
    store_->database().write(std::move(function), 0, [&](Result<> r) { result = std::move(r); });
    run_until([&] { return result.has_value(); });
    return *result;
  }
  std::string get(std::string_view key) {
    auto read = store_->database().begin_read();
    if (!read) return "error: " + read.error().message;
    std::string value;
    auto found = (*read)->get(kTable, key, value);
    if (!found) return "error: " + found.error().message;
    return *found ? value : "none";
  }
  BlobId make_blob(const std::string& bytes) {
    auto writer = store_->blobs().create();
    std::optional<Result<>> written, finished;
    writer->write(bytes, [&](Result<> r) { written = std::move(r); });
    writer->finish([&](Result<> r) { finished = std::move(r); });
    run_until([&] { return finished.has_value(); });
    EXPECT_TRUE(*written && *finished);
    return writer->id();
  }
  size_t blob_files() {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder_ + "/store/blobs"))
      ++count;
    return count;
  }

  std::string folder_;
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<Store> store_;
};

TEST_F(StorageTest, KeepsWhatWasAcknowledged) {
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), "none");
  reopen();
  EXPECT_EQ(get("a"), "1");
}

TEST_F(StorageTest, ManyWritesShareACommit) {
  const uint64_t before = store_->database().stats().commits;
  size_t answered = 0;
  for (int i = 0; i < 1000; ++i) {
    store_->database().write(
        [i](WriteTransaction& t) { return t.put(kTable, "k" + std::to_string(i), "v"); }, 100,
        [&](Result<> result) { answered += result.has_value(); });
  }
  run_until([&] { return answered == 1000; });
  EXPECT_LT(store_->database().stats().commits - before, 1000u);
}

TEST_F(StorageTest, OneThatFailsLeavesTheOthers) {
  std::vector<Result<>> results;
  for (int i = 0; i < 50; ++i) {
    store_->database().write(
        [i](WriteTransaction& t) -> Result<> {
          SKEP_TRY(t.put(kTable, "k" + std::to_string(i), "v"));
          if (i == 7) return fail("not this one");
          return {};
        },
        100, [&](Result<> result) { results.push_back(std::move(result)); });
  }
  run_until([&] { return results.size() == 50; });
  EXPECT_EQ(std::count_if(results.begin(), results.end(), [](auto& r) { return !r; }), 1);
  EXPECT_EQ(get("k7"), "none");
  EXPECT_EQ(get("k6"), "v");
  EXPECT_EQ(get("k8"), "v");
}

TEST_F(StorageTest, TheMapGrows) {
  const std::string value(8 << 20, 'x');
  for (int i = 0; i < 48; ++i) ASSERT_TRUE(put("k" + std::to_string(i), value)) << i;
  EXPECT_EQ(get("k47"), value);
  reopen();
  EXPECT_EQ(get("k0"), value);
}

TEST_F(StorageTest, WalksInOrder) {
  for (const char* key : {"b", "a\xff", "a", "aa"}) ASSERT_TRUE(put(key, key));
  auto read = store_->database().begin_read();
  Cursor cursor(**read, kTable);
  Transaction::Entry entry;
  std::string seen;
  for (auto found = cursor.seek("a", entry, 1); found && *found; found = cursor.next(entry, 1))
    seen += entry.key + "=" + entry.value + " ";
  EXPECT_EQ(seen, "a=a aa=a a\xff=a b=b ");
}

TEST_F(StorageTest, BlobsThatNothingRefersToGoAtTheNextStart) {
  const BlobId kept = make_blob("kept"), orphan = make_blob("orphan");
  ASSERT_TRUE(
      write([&](WriteTransaction& t) { return t.put(Store::kBlobs, blob_key(kept), "1"); }));
  EXPECT_EQ(blob_files(), 2u);
  reopen();
  const BlobId fresh = make_blob("fresh");  // after the sweep, on the same thread
  EXPECT_TRUE(store_->blobs().read(kept));
  EXPECT_TRUE(store_->blobs().read(fresh));
  EXPECT_EQ(store_->blobs().read(orphan).error().code, ENOENT);
  EXPECT_EQ(blob_files(), 2u);
}

TEST_F(StorageTest, ASecondBrokerIsKeptOut) {
  auto second = Store::open(*loop_, folder_ + "/store", {"things"});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another skep"), std::string::npos);
}

// ---- what a disk may hold
// ------------------------------------------------------------------------

class CorruptTest : public StorageTest {
 protected:
  std::string file() { return folder_ + "/store/data.mdb"; }
  void fill() {
    for (int i = 0; i < 2000; ++i) {
      store_->database().write(
          [i](WriteTransaction& t) {
            return t.put(kTable, "k" + std::to_string(i), std::string(500, 'v'));
          },
          0, nullptr);
    }
    ASSERT_TRUE(put("last", "v"));
    store_.reset();
  }
  void overwrite(uint64_t from, uint64_t bytes, char with) {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(from));
    stream << std::string(bytes, with);
  }
  // What becomes of it: an error that names the file, at the start or with every use.
  void expect_error() {
    auto store = Store::open(*loop_, folder_ + "/store", {"things"});
    if (!store) {
      EXPECT_NE(store.error().message.find("data.mdb"), std::string::npos) << store.error().message;
      return;
    }
    store_ = std::move(*store);
    bool failed = false;
    for (int i = 0; i < 2000 && !failed; ++i)
      failed = get("k" + std::to_string(i)).starts_with("error");
    EXPECT_TRUE(failed);
    const auto wrote = put("x", "y");
    ASSERT_FALSE(wrote);
    EXPECT_NE(wrote.error().message.find("data.mdb"), std::string::npos) << wrote.error().message;
  }
};

TEST_F(CorruptTest, NoDatabaseAtAll) {
  fill();
  overwrite(0, 8192, 'x');
  expect_error();
}

TEST_F(CorruptTest, CutShort) {
  fill();
  ASSERT_EQ(truncate(file().c_str(), 64 * 1024), 0);
  expect_error();
}

TEST_F(CorruptTest, PagesOfNonsense) {
  for (const char with : {'\0', '\xff', 'x'}) {
    fill();
    overwrite(8192, std::filesystem::file_size(file()) - 8192, with);
    expect_error();
    store_.reset();
    std::filesystem::remove_all(folder_ + "/store");
    open();
  }
}

// A disk that was full when the file was made.
TEST_F(CorruptTest, AFileWhoseMakingWasCutOff) {
  store_.reset();
  std::filesystem::remove_all(folder_ + "/store");
  std::filesystem::create_directory(folder_ + "/store");
  std::ofstream(file() + ".new") << "half a pag";
  open();
  EXPECT_TRUE(put("a", "1"));
  EXPECT_FALSE(std::filesystem::exists(file() + ".new"));
}

TEST_F(CorruptTest, AnEmptyFileIsANewDatabase) {
  fill();
  ASSERT_EQ(truncate(file().c_str(), 0), 0);
  open();
  EXPECT_EQ(get("last"), "none");
}

}  // namespace
}  // namespace skep::storage
