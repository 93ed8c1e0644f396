#include "bindings/secrets/broker/secret_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/limits_cron.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "config/files.h"
#include "config/secret_names.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

Result<> check_name(std::string_view what, std::string_view name) {
  if (config::valid_secret_name(name)) return {};
  return fail(
      fmt::format("\"{}\" cannot be the name of a {}: 1 to 64 letters, digits, \"-\" and "
                  "\"_\"",
                  name, what));
}

// The owner of the data folder: root may write secrets that the broker, who is not, must read.
Result<> give_to_owner(int fd, const std::string& data_dir) {
  struct stat info{};
  if (stat(data_dir.c_str(), &info) != 0) return fail_errno(data_dir, errno);
  if (info.st_uid == geteuid()) return {};
  if (fchown(fd, info.st_uid, info.st_gid) != 0) return fail_errno(data_dir + "/secrets", errno);
  return {};
}

Result<> make_folder(const std::string& path, const std::string& data_dir) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(path, errno);
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno(path, errno);
  return give_to_owner(fd.get(), data_dir);
}

Result<> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(path, errno);
    text.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Result<std::string> SecretStore::folder_of(std::string_view store) const {
  SKEP_TRY(check_name("store", store));
  if (data_dir_.empty()) return fail("there is no data folder, so there are no secrets");
  return fmt::format("{}/secrets/{}", data_dir_, store);
}

Result<std::string> SecretStore::read(std::string_view store, std::string_view name) const {
  SKEP_TRY_ASSIGN(const std::string folder, folder_of(store));
  SKEP_TRY(check_name("secret", name));
  const std::string path = fmt::format("{}/{}", folder, name);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!fd) return fail_errno(path, errno);
  return config::read_descriptor(fd.get(), path, limits::kSecretBytes);
}

Result<> SecretStore::write(std::string_view store, std::string_view name,
                            std::string_view value) const {
  SKEP_TRY_ASSIGN(const std::string folder, folder_of(store));
  SKEP_TRY(check_name("secret", name));
  if (value.size() > limits::kSecretBytes)
    return fail(fmt::format("a secret has at most {} bytes", limits::kSecretBytes));
  SKEP_TRY(make_folder(data_dir_ + "/secrets", data_dir_));
  SKEP_TRY(make_folder(folder, data_dir_));
  const std::string path = fmt::format("{}/{}", folder, name);
  // A name that no secret can have, so that a half-written one is never read.
  const std::string fresh = fmt::format("{}/.new.{}.{}", folder, name, getpid());
  const UniqueFd fd(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(fresh, errno);
  Result<> done = write_all(fd.get(), value, fresh);
  if (done) done = give_to_owner(fd.get(), data_dir_);
  if (done && fsync(fd.get()) != 0) done = fail_errno(fresh, errno);
  if (done && rename(fresh.c_str(), path.c_str()) != 0) done = fail_errno(path, errno);
  if (!done) unlink(fresh.c_str());
  return done;
}

Result<> SecretStore::erase(std::string_view store, std::string_view name) const {
  SKEP_TRY_ASSIGN(const std::string folder, folder_of(store));
  SKEP_TRY(check_name("secret", name));
  const std::string path = fmt::format("{}/{}", folder, name);
  if (unlink(path.c_str()) != 0) return fail_errno(path, errno);
  return {};
}

Result<std::vector<std::string>> SecretStore::list(std::string_view store) const {
  SKEP_TRY_ASSIGN(const std::string folder, folder_of(store));
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
  if (!open) {
    if (errno == ENOENT) return names;
    return fail_errno(folder, errno);
  }
  while (const dirent* entry = readdir(open.get())) {
    if (!config::valid_secret_name(entry->d_name)) continue;
    if (names.size() >= limits::kSecretsPerStore) return fail(folder + ": too many secrets");
    names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

kj::Promise<void> StoreSecretServer::get(GetContext context) {
  const auto value = secrets_.read(store_, name_);
  if (!value) {
    log_warn("Secrets Store: {}", value.error().message);
    // Not where the files lie.
    rpc::throw_error(Error{fmt::format("Secret \"{}\" not found", name_), value.error().code});
  }
  context.getResults().setValue({value->c_str(), value->size()});
  return kj::READY_NOW;
}

}  // namespace skep::bindings
