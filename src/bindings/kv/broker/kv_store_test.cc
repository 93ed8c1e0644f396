#include "bindings/kv/broker/kv_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "base/limits_kv.h"
#include "base/time.h"

namespace skep::bindings {
namespace {

class KvStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/skep-kv-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    loop_ = std::move(*loop::Loop::create({.entries = 64}));
    open();
  }
  void TearDown() override {
    close();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    holder_ = std::make_unique<StoreHolder>(*loop_, StorePlace{folder_, false}, KvStore::tables());
    kv_ = std::make_unique<KvStore>(*loop_, *holder_, storage::Store::kFirstTable);
    data_ = *kv_->open("id:one");
  }
  void close() {
    data_.reset();
    kv_.reset();
    holder_.reset();
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
  void put(const std::string& key, KvRecord record, KvData* data = nullptr) {
    bool done = false;
    (data != nullptr ? data : data_.get())->put(key, std::move(record), [&](Result<> result) {
      EXPECT_TRUE(result);
      done = true;
    });
    run_until([&] { return done; });
  }
  void erase(const std::string& key) {
    bool done = false;
    data_->erase(key, [&](Result<> result) {
      EXPECT_TRUE(result);
      done = true;
    });
    run_until([&] { return done; });
  }
  std::string get(std::string_view key, KvData* data = nullptr) {
    uint64_t generation = 0;
    auto found = (data != nullptr ? data : data_.get())->get(key, generation);
    if (!found) return "error: " + found.error().message;
    return *found ? (*found)->record.value : "none";
  }
  std::vector<std::string> names(std::string_view prefix, size_t limit) {
    std::vector<std::string> all;
    std::string cursor;
    do {
      auto page = data_->list(prefix, limit, cursor);
      EXPECT_TRUE(page && *page);
      EXPECT_LE((*page)->keys.size(), limit);
      for (auto& [name, record] : (*page)->keys) all.push_back(name);
      cursor = (*page)->cursor;
    } while (!cursor.empty());
    return all;
  }
  static KvRecord value(std::string text, uint64_t expiration = 0) {
    KvRecord record;
    record.value = std::move(text);
    record.expiration = expiration;
    return record;
  }
  static uint64_t now_s() { return static_cast<uint64_t>(wall_clock_ms() / 1000); }

  std::string folder_;
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<StoreHolder> holder_;
  std::unique_ptr<KvStore> kv_;
  std::shared_ptr<KvData> data_;
};

TEST_F(KvStoreTest, KeepsValues) {
  EXPECT_EQ(get("a"), "none");
  put("a", value("1"));
  EXPECT_EQ(get("a"), "1");
  put("a", value("2"));
  EXPECT_EQ(get("a"), "2");
  close();
  open();
  EXPECT_EQ(get("a"), "2");
  erase("a");
  erase("a");
  EXPECT_EQ(get("a"), "none");
}

TEST_F(KvStoreTest, NamespacesAreApart) {
  const auto other = *kv_->open("id:two");
  put("a", value("1"));
  EXPECT_EQ(get("a", other.get()), "none");
  put("a", value("2"), other.get());
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(names("", 10), std::vector<std::string>{"a"});
}

TEST_F(KvStoreTest, ACounterMovesBeforeTheWriteIsAnswered) {
  put("a", value("1"));
  uint64_t before = 0, after = 0;
  ASSERT_TRUE(data_->get("a", before));
  put("a", value("2"));
  ASSERT_TRUE(data_->get("a", after));
  EXPECT_NE(before, after);
  erase("a");
  ASSERT_TRUE(data_->get("a", before));
  EXPECT_NE(before, after);
}

// Names longer than the database's keys lie elsewhere, and in their place all the same.
TEST_F(KvStoreTest, LongNamesInTheOrderOfTheirBytes) {
  std::mt19937 random(7);
  std::vector<std::string> all;
  const std::string stem(470, 'm');
  for (int i = 0; i < 300; ++i) {
    std::string name = i % 3 == 0 ? std::string() : stem;
    const size_t size = 1 + random() % (limits::kKvKeyBytes - name.size());
    for (size_t j = 0; j < size; ++j) name += static_cast<char>("amz\x01\xff"[random() % 5]);
    all.push_back(name);
  }
  all.push_back(stem);
  all.push_back(stem + std::string(10, 'm'));
  all.push_back(stem + std::string(11, 'm'));
  all.push_back(std::string(512, 'm'));
  std::shuffle(all.begin(), all.end(), random);
  for (const std::string& name : all) put(name, value(name));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  EXPECT_EQ(names("", 7), all);
  EXPECT_EQ(names("", 1000), all);
  const std::string prefix = stem + std::string(15, 'm');
  std::vector<std::string> some;
  for (const std::string& name : all)
    if (name.starts_with(prefix)) some.push_back(name);
  EXPECT_EQ(names(prefix, 2), some);
  EXPECT_FALSE(some.empty());
  for (const std::string& name : all) EXPECT_EQ(get(name), name);
  for (size_t i = 0; i < all.size(); i += 2) erase(all[i]);
  std::vector<std::string> left;
  for (size_t i = 1; i < all.size(); i += 2) left.push_back(all[i]);
  EXPECT_EQ(names("", 5), left);
  for (const std::string& name : left) erase(name);
  EXPECT_TRUE(names("", 5).empty());
}

TEST_F(KvStoreTest, WhatHasExpiredIsGoneAtOnceAndSweptLater) {
  put("gone", value("1", now_s() - 1));
  put("there", value("2", now_s() + 1000));
  EXPECT_EQ(get("gone"), "none");
  EXPECT_EQ(names("", 10), std::vector<std::string>{"there"});
  // The sweep's timer of a second.
  storage::Database& database = holder_->opened()->database();
  const KvTables tables(storage::Store::kFirstTable);
  run_until([&] {
    auto read = database.begin_read();
    auto record = tables.get(**read, 1, "gone");
    return record && !*record;
  });
  EXPECT_EQ(get("there"), "2");
}

TEST_F(KvStoreTest, ARecordThatLivesOnIsNotSweptByItsOldTime) {
  put("a", value("1", now_s() + 1));
  put("a", value("2"));
  storage::Database& database = holder_->opened()->database();
  const KvTables tables(storage::Store::kFirstTable);
  ASSERT_TRUE(database.write_and_wait([&](storage::WriteTransaction& t) -> Result<> {
    std::vector<storage::BlobId> dropped;
    SKEP_TRY_ASSIGN(const size_t count, tables.erase_expired(t, now_s() + 100, 10, dropped));
    EXPECT_EQ(count, 0u);
    return {};
  }));
  EXPECT_EQ(get("a"), "2");
}

TEST_F(KvStoreTest, CursorsOfNobody) {
  put("a", value("1"));
  for (const char* cursor : {"x", "zz", "6", "61zz", "e4"}) {
    const auto page = data_->list("a", 10, cursor);
    ASSERT_TRUE(page) << cursor;
    EXPECT_FALSE(*page) << cursor;
  }
  EXPECT_FALSE(*data_->list("", 10, std::string(2000, 'a')));
}

TEST_F(KvStoreTest, LargeValuesAreFiles) {
  const auto write = [&](const std::string& text) {
    auto blob = *data_->create_blob();
    bool done = false;
    blob->write(text, nullptr);
    KvRecord record;
    record.blob = blob->id();
    record.size = blob->size();
    blob->finish([&](Result<> result) {
      ASSERT_TRUE(result);
      data_->put_blob("big", record, [&](Result<> stored) {
        EXPECT_TRUE(stored);
        done = true;
      });
    });
    run_until([&] { return done; });
  };
  const auto files = [&] {
    const std::filesystem::directory_iterator entries(folder_ + "/store/blobs");
    return std::distance(begin(entries), end(entries));
  };
  write("first");
  uint64_t generation = 0;
  auto found = data_->get("big", generation);
  ASSERT_TRUE(found && *found && (*found)->blob);
  write("second");
  run_until([&] { return files() == 1; });
  // Whoever has it open reads on.
  char text[8] = {};
  EXPECT_EQ(pread((*found)->blob.get(), text, 5, 0), 5);
  EXPECT_STREQ(text, "first");
  erase("big");
  run_until([&] { return files() == 0; });
}

}  // namespace
}  // namespace skep::bindings
