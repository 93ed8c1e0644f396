#include "bindings/broker/store_holder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/log.h"

namespace skep::bindings {
StoreHolder::~StoreHolder() {
  store_.reset();
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

Result<storage::Store*> StoreHolder::get() {
  if (store_) return store_.get();
  if (failed_ns_ != 0 && loop_.now_ns() - failed_ns_ < place_.retry_ms * 1'000'000)
    return std::unexpected(failed_);
  auto opened = open();
  if (!opened) {
    if (failed_.message != opened.error().message) log_error("{}", opened.error().message);
    failed_ = opened.error();
    failed_ns_ = loop_.now_ns();
    return std::unexpected(failed_);
  }
  store_ = std::move(*opened);
  return store_.get();
}

Result<std::unique_ptr<storage::Store>> StoreHolder::open() {
  if (place_.folder.empty()) return fail("there is no folder to keep data in (data_dir)");
  if (!place_.temporary) return storage::Store::open(loop_, place_.folder + "/store", tables_);
  if (temporary_.empty()) {
    std::string name = place_.folder + "/test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) return fail_errno(name, errno);
    temporary_ = name;
  }
  return storage::Store::open(loop_, temporary_ + "/store", tables_);
}

std::string public_reason(const Error& error) {
  return error.code > 0 ? std::strerror(error.code) : "Internal error";
}

}  // namespace skep::bindings
