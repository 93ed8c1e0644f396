// The store of an appliance as its bindings reach it: opened when one of them first needs it, after
// the broker has given up root. One that cannot be opened is tried again from time to time, and
// meanwhile whoever needs it hears why; everything else goes on. Owned by the broker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"
#include "storage/store.h"

namespace skep::bindings {

struct StorePlace {
  std::string folder;       // where the store's folder lies or is made; "": nowhere
  bool temporary = false;   // a store of its own, gone with this process
  int64_t retry_ms = 1000;  // after it could not be opened
};

class StoreHolder {
 public:
  StoreHolder(loop::Loop& loop, StorePlace place, std::vector<std::string> tables)
      : loop_(loop), place_(std::move(place)), tables_(std::move(tables)) {}
  ~StoreHolder();
  StoreHolder(const StoreHolder&) = delete;
  StoreHolder& operator=(const StoreHolder&) = delete;

  Result<storage::Store*> get();
  // Null: not opened (yet).
  storage::Store* opened() { return store_.get(); }

 private:
  Result<std::unique_ptr<storage::Store>> open();

  loop::Loop& loop_;
  const StorePlace place_;
  const std::vector<std::string> tables_;
  std::string temporary_;  // the folder to be deleted
  std::unique_ptr<storage::Store> store_;
  Error failed_;
  int64_t failed_ns_ = 0;  // 0: it did not
};

// What a Worker hears of an error of the store: not where the files lie. The log has the rest.
std::string public_reason(const Error& error);

}  // namespace skep::bindings
