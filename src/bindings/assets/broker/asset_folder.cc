#include "bindings/assets/broker/asset_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/limits_assets.h"
#include "bindings/assets/manifest.h"
#include "config/files.h"

namespace skep::bindings {
namespace {

constexpr std::string_view kRuleFiles[] = {"_headers", "_redirects", ".assetsignore"};

std::string hex(std::span<const uint8_t> bytes) {
  std::string out;
  for (const uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

Result<UniqueFd> open_beneath(int root, const std::string& path, int flags) {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  if (fd < 0) return fail_errno(path, errno);
  return UniqueFd(static_cast<int>(fd));
}

// 128 bits of SHA-256 over the content.
Result<std::string> hash_of(int fd, uint64_t size) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::array<char, 65536> buffer;
  uint64_t at = 0;
  while (at < size) {
    const ssize_t count = pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading", errno);
    if (count == 0) return fail("the file became shorter while it was read");
    SHA256_Update(&context, buffer.data(), static_cast<size_t>(count));
    at += static_cast<uint64_t>(count);
  }
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256_Final(digest.data(), &context);
  return hex(std::span(digest).first(16));
}

}  // namespace

// The walk: files and folders in the order of their names, without following links.
class AssetWalk {
 public:
  AssetWalk(AssetFolder& folder, const config::AssetIgnore& ignore)
      : folder_(folder), ignore_(ignore) {
    SHA256_Init(&hash_);
  }

  Result<> run() {
    SKEP_TRY(walk("", 0));
    std::ranges::sort(folder_.paths_);
    std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
    SHA256_Final(digest.data(), &hash_);
    folder_.fingerprint_ += hex(digest);
    return {};
  }

 private:
  struct Child {
    std::string path;
    struct stat info;
  };

  Result<std::vector<Child>> list(const std::string& path) {
    SKEP_TRY_ASSIGN(UniqueFd fd, open_beneath(folder_.root_.get(), path.empty() ? "." : path,
                                              O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(fd.get()), closedir);
    if (!dir) return fail_errno(full(path), errno);
    (void)fd.release();
    std::vector<Child> children;
    while (const dirent* entry = readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      Child child{path.empty() ? std::string(name) : fmt::format("{}/{}", path, name), {}};
      if (fstatat(dirfd(dir.get()), entry->d_name, &child.info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      // Links lead who knows where, and pipes and devices are no assets.
      if (!S_ISREG(child.info.st_mode) && !S_ISDIR(child.info.st_mode)) continue;
      if (ignored(child)) continue;
      if (children.size() + folder_.paths_.size() > limits::kAssetFiles) return too_many();
      children.push_back(std::move(child));
    }
    std::ranges::sort(children, {}, &Child::path);
    return children;
  }

  bool ignored(const Child& child) const {
    if (std::ranges::find(kRuleFiles, child.path) != std::end(kRuleFiles)) return true;
    return ignore_.ignores(child.path, S_ISDIR(child.info.st_mode));
  }

  Result<> walk(const std::string& path, size_t depth) {
    if (depth > limits::kAssetDepth || folder_.folders_.size() >= limits::kAssetFolders)
      return fail(fmt::format("{}: more than {} folders in one another, or {} at all", full(path),
                              limits::kAssetDepth, limits::kAssetFolders));
    folder_.folders_.push_back(full(path));
    SKEP_TRY_ASSIGN(const auto children, list(path));
    for (const Child& child : children) {
      if (S_ISDIR(child.info.st_mode)) {
        SKEP_TRY(walk(child.path, depth + 1));
      } else {
        SKEP_TRY(add(child));
      }
    }
    return {};
  }

  Result<> add(const Child& child) {
    if (static_cast<uint64_t>(child.info.st_size) > limits::kAssetFileBytes)
      return fail(
          fmt::format("{}: {} bytes; an asset has at most {} (25 MiB); .assetsignore can "
                      "leave it out",
                      full(child.path), child.info.st_size, limits::kAssetFileBytes));
    if (child.path.size() > limits::kAssetPathBytes)
      return fail(fmt::format("{}: a path of more than {} bytes", full(child.path),
                              limits::kAssetPathBytes));
    if (folder_.paths_.size() >= limits::kAssetFiles) return too_many();
    const std::string line = fmt::format("{}\n{} {}.{}\n", child.path, child.info.st_size,
                                         child.info.st_mtim.tv_sec, child.info.st_mtim.tv_nsec);
    SHA256_Update(&hash_, line.data(), line.size());
    folder_.paths_.push_back(child.path);
    return {};
  }

  std::unexpected<Error> too_many() const {
    return fail(fmt::format("{}: more than {} files", folder_.path_, limits::kAssetFiles));
  }
  std::string full(const std::string& path) const {
    return path.empty() ? folder_.path_ : fmt::format("{}/{}", folder_.path_, path);
  }

  AssetFolder& folder_;
  const config::AssetIgnore& ignore_;
  SHA256_CTX hash_;
};

Result<std::shared_ptr<AssetFolder>> AssetFolder::open(std::string path,
                                                       config::AssetsConfig config,
                                                       config::Diagnostics& diagnostics) {
  auto folder = std::make_shared<AssetFolder>();
  folder->path_ = std::move(path);
  folder->config_ = std::move(config);
  folder->root_ =
      UniqueFd(::open(folder->path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
  if (!folder->root_) return fail_errno(fmt::format("the assets' folder {}", folder->path_), errno);
  config::AssetIgnore ignore;
  SKEP_TRY(folder->read_rules(diagnostics, ignore));
  SKEP_TRY(AssetWalk(*folder, ignore).run());
  SKEP_TRY(folder->make_manifest());
  return folder;
}

Result<> AssetFolder::read_rules(config::Diagnostics& diagnostics, config::AssetIgnore& ignore) {
  for (const std::string_view name : kRuleFiles) {
    auto fd = open_beneath(root_.get(), std::string(name), O_RDONLY);
    if (!fd && fd.error().code == ENOENT) continue;
    const std::string place = fmt::format("{}/{}", path_, name);
    if (!fd) return wrap(path_, std::move(fd.error()));
    SKEP_TRY_ASSIGN(const std::string text,
                    config::read_descriptor(fd->get(), place, limits::kAssetRuleFileBytes));
    fingerprint_ += fmt::format("{} {}\n{}\n", name, text.size(), text);
    diagnostics.begin_file(place, text);
    if (name == "_headers")
      rules_.headers = config::parse_asset_headers(text, diagnostics);
    else if (name == "_redirects")
      rules_.redirects = config::parse_asset_redirects(text, diagnostics);
    else
      ignore = config::AssetIgnore::parse(text, diagnostics);
    diagnostics.end_file();
  }
  return {};
}

Result<> AssetFolder::make_manifest() {
  const std::string bytes = write_manifest(paths_);
  if (bytes.size() > limits::kAssetManifestBytes)
    return fail(fmt::format("{}: the paths of its files are too long together", path_));
  manifest_ = UniqueFd(memfd_create("assets", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!manifest_) return fail_errno("memfd_create", errno);
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = ::write(manifest_.get(), bytes.data() + at, bytes.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("the assets' manifest", errno);
    at += static_cast<size_t>(count);
  }
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (fcntl(manifest_.get(), F_ADD_SEALS, kSeals) != 0) return fail_errno("F_ADD_SEALS", errno);
  manifest_bytes_ = bytes.size();
  return {};
}

Result<AssetFolder::Opened> AssetFolder::open_file(uint32_t index) {
  if (index >= paths_.size()) return fail("there is no such asset");
  Opened opened;
  SKEP_TRY_ASSIGN(opened.fd, open_beneath(root_.get(), paths_[index], O_RDONLY));
  struct stat info{};
  if (fstat(opened.fd.get(), &info) != 0) return fail_errno(paths_[index], errno);
  if (!S_ISREG(info.st_mode)) return fail(fmt::format("{} is no file any more", paths_[index]));
  opened.size = static_cast<uint64_t>(info.st_size);
  if (opened.size > limits::kAssetFileBytes)
    return fail(fmt::format("{} has become too large", paths_[index]));
  const int64_t mtime_ns = info.st_mtim.tv_sec * int64_t{1'000'000'000} + info.st_mtim.tv_nsec;
  opened.mtime_ms = mtime_ns / 1'000'000;
  Hashed& hashed = hashes_[index];
  if (hashed.etag.empty() || hashed.inode != info.st_ino || hashed.size != opened.size ||
      hashed.mtime_ns != mtime_ns) {
    SKEP_TRY_ASSIGN(hashed.etag, hash_of(opened.fd.get(), opened.size));
    hashed.inode = info.st_ino;
    hashed.size = opened.size;
    hashed.mtime_ns = mtime_ns;
  }
  opened.etag = hashed.etag;
  return opened;
}

}  // namespace skep::bindings
