// What the bindings of one appliance keep on the disk: the database, the blobs, and the lock that
// keeps a second broker out. Opened when a binding first needs it. Owned by the broker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "storage/blobs.h"
#include "storage/database.h"

namespace skep::storage {

class Store {
 public:
  // `folder` is made where it is missing, its parent must exist. `tables`: those of the bindings;
  // they are numbered from kFirstTable on. Errors name the file.
  static Result<std::unique_ptr<Store>> open(loop::Loop& loop, const std::string& folder,
                                             const std::vector<std::string>& tables);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  static constexpr Table kMeta = 0;
  // Every blob that is referred to. A binding adds a blob's key (with any value) in the transaction
  // that refers to it, and erases it in the one that ceases to.
  static constexpr Table kBlobs = 1;
  static constexpr Table kFirstTable = 2;

  Database& database() { return *database_; }
  Blobs& blobs() { return *blobs_; }
  // A number that this store gives once, also over restarts. Not 0.
  uint64_t unique() { return epoch_ << 40 | ++last_unique_; }

 private:
  Store() = default;
  UniqueFd lock_;
  uint64_t epoch_ = 0;  // counts the starts
  uint64_t last_unique_ = 0;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Blobs> blobs_;
};

}  // namespace skep::storage
