#include "storage/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace skep::storage {
namespace {

constexpr std::string_view kEpochKey = "epoch";

Result<UniqueFd> lock_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(folder, errno);
  const std::string path = folder + "/lock";
  UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return fail_errno(path, errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return fail(fmt::format("{}: another skep keeps its data there", folder));
  return fail_errno(path, errno);
}

// One more start: names of blobs are not used twice.
Result<uint64_t> next_epoch(Database& database) {
  uint64_t epoch = 0;
  SKEP_TRY(database.write_and_wait([&epoch](WriteTransaction& transaction) -> Result<> {
    std::string text;
    SKEP_TRY_ASSIGN(const bool found, transaction.get(Store::kMeta, kEpochKey, text));
    epoch = found ? blob_of(std::string(8, '\0') + text).number + 1 : 1;
    return transaction.put(Store::kMeta, kEpochKey, blob_key({0, epoch}).substr(8));
  }));
  return epoch;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(loop::Loop& loop, const std::string& folder,
                                           const std::vector<std::string>& tables) {
  std::unique_ptr<Store> store(new Store);
  SKEP_TRY_ASSIGN(store->lock_, lock_folder(folder));
  std::vector<std::string> all = {"meta", "blobs"};
  all.insert(all.end(), tables.begin(), tables.end());
  SKEP_TRY_ASSIGN(store->database_, Database::open(loop, folder + "/data.mdb", std::move(all)));
  SKEP_TRY_ASSIGN(store->epoch_, next_epoch(*store->database_));
  SKEP_TRY_ASSIGN(store->blobs_, Blobs::open(loop, folder + "/blobs", store->epoch_));
  store->blobs_->sweep([database = store->database_.get()](std::vector<BlobId> found) {
    std::vector<BlobId> kept;
    const auto looked = database->write_and_wait([&](WriteTransaction& transaction) -> Result<> {
      kept.clear();
      for (const BlobId id : found) {
        std::string ignored;
        SKEP_TRY_ASSIGN(const bool used, transaction.get(kBlobs, blob_key(id), ignored));
        if (used) kept.push_back(id);
      }
      return {};
    });
    // Where nothing is known, nothing is deleted.
    return looked ? kept : found;
  });
  return store;
}

// The blobs' thread asks the database, so it goes first.
Store::~Store() {
  blobs_.reset();
  database_.reset();
}

}  // namespace skep::storage
