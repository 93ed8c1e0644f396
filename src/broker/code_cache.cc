#include "broker/code_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/limits.h"
#include "base/log.h"
#include "base/unique_fd.h"

namespace skep::broker {
namespace {

// A file: this header, then the data.
struct FileHeader {
  char magic[8];
  Digest key;
  Digest data;
};
constexpr char kMagic[8] = {'s', 'k', 'e', 'p', 'c', 'c', '0', '1'};

bool write_all(int fd, const void* data, size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = write(fd, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

bool read_all(int fd, void* data, size_t bytes) {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t n = read(fd, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

struct CacheFile {
  std::string name;
  uint64_t bytes;
  timespec used;
};

std::vector<CacheFile> list_files(const std::string& folder) {
  std::vector<CacheFile> files;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return files;
  while (const dirent* entry = readdir(dir)) {
    struct stat status;
    if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(status.st_mode)) continue;
    files.push_back({entry->d_name, static_cast<uint64_t>(status.st_size), status.st_mtim});
  }
  closedir(dir);
  return files;
}

}  // namespace

CodeCache::CodeCache(std::string folder, std::string_view build)
    : folder_(std::move(folder)), build_(build) {}

CodeCache::Key CodeCache::key_of(CacheKind kind, const Digest& content) const {
  const char kind_text = static_cast<char>(kind);
  return digest_of(
      {build_, std::string_view(&kind_text, 1),
       std::string_view(reinterpret_cast<const char*>(content.data()), content.size())});
}

std::string CodeCache::path_of(const Key& key) const {
  return folder_ + "/" + to_hex(key);
}

std::shared_ptr<const std::string> CodeCache::get(CacheKind kind, const Digest& content) {
  const Key key = key_of(kind, content);
  const auto found = index_.find(key);
  if (found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->data;
  }
  if (folder_.empty()) return nullptr;
  auto data = read_file(key);
  if (data != nullptr) remember(key, data);
  return data;
}

void CodeCache::put(CacheKind kind, const Digest& content, std::string_view data) {
  if (data.empty() || data.size() > limits::kCodeCacheEntryBytes) return;
  const Key key = key_of(kind, content);
  const auto found = index_.find(key);
  // Shards of the same start derive the same thing at the same time.
  if (found != index_.end() && *found->second->data == data) return;
  remember(key, std::make_shared<const std::string>(data));
  if (!folder_.empty() && !folder_failed_) write_file(key, data);
}

void CodeCache::remember(const Key& key, std::shared_ptr<const std::string> data) {
  const auto found = index_.find(key);
  if (found != index_.end()) {
    memory_bytes_ -= found->second->data->size();
    entries_.erase(found->second);
    index_.erase(found);
  }
  memory_bytes_ += data->size();
  entries_.push_front({key, std::move(data)});
  index_[key] = entries_.begin();
  while (memory_bytes_ > limits::kCodeCacheMemoryBytes && entries_.size() > 1) {
    memory_bytes_ -= entries_.back().data->size();
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

std::shared_ptr<const std::string> CodeCache::read_file(const Key& key) const {
  const UniqueFd file(open(path_of(key).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status;
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  const auto bytes = static_cast<uint64_t>(status.st_size);
  FileHeader header;
  if (bytes <= sizeof header || bytes > sizeof header + limits::kCodeCacheEntryBytes)
    return nullptr;
  if (!read_all(file.get(), &header, sizeof header)) return nullptr;
  if (memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key != key) return nullptr;
  std::string data(bytes - sizeof header, '\0');
  if (!read_all(file.get(), data.data(), data.size())) return nullptr;
  if (digest_of_bytes(data) != header.data) return nullptr;
  futimens(file.get(), nullptr);  // the oldest go first when room is made
  return std::make_shared<const std::string>(std::move(data));
}

// Not synced: a file that a crash cut short fails its digest and is written anew.
void CodeCache::write_file(const Key& key, std::string_view data) {
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    log_warn("code caches are kept in memory only: {}: {}", folder_, std::strerror(errno));
    folder_failed_ = true;
    return;
  }
  make_room(sizeof(FileHeader) + data.size());
  FileHeader header;
  memcpy(header.magic, kMagic, sizeof kMagic);
  header.key = key;
  header.data = digest_of_bytes(data);
  const std::string path = path_of(key);
  const std::string temporary = path + ".new";
  UniqueFd file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  const bool written = file && write_all(file.get(), &header, sizeof header) &&
                       write_all(file.get(), data.data(), data.size()) &&
                       rename(temporary.c_str(), path.c_str()) == 0;
  if (written) {
    *disk_bytes_ += sizeof header + data.size();
    return;
  }
  log_warn("cannot keep a code cache in {}: {}", folder_, std::strerror(errno));
  unlink(temporary.c_str());
}

void CodeCache::make_room(uint64_t bytes) {
  if (disk_bytes_ && *disk_bytes_ + bytes <= limits::kCodeCacheDiskBytes) return;
  auto files = list_files(folder_);
  uint64_t total = 0;
  for (const CacheFile& file : files) total += file.bytes;
  if (total + bytes > limits::kCodeCacheDiskBytes) {
    std::sort(files.begin(), files.end(), [](const CacheFile& a, const CacheFile& b) {
      return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
    });
    // A quarter at once, so that a full folder is not listed for each new file.
    for (const CacheFile& file : files) {
      if (total + bytes <= limits::kCodeCacheDiskBytes / 4 * 3) break;
      if (unlink((folder_ + "/" + file.name).c_str()) == 0) total -= file.bytes;
    }
  }
  disk_bytes_ = total;
}

}  // namespace skep::broker
