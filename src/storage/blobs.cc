#include "storage/blobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/limits_storage.h"

namespace skep::storage {
namespace {

constexpr size_t kNameBytes = 33;  // "EPOCH-NUMBER", sixteen digits each

std::string name_of(BlobId id) {
  return fmt::format("{:016x}-{:016x}", id.epoch, id.number);
}

bool read_hex(std::string_view text, uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

// {0, 0} of a file that is none of ours.
BlobId id_of(std::string_view name) {
  BlobId id;
  if (name.size() != kNameBytes || name[16] != '-' || !read_hex(name.substr(0, 16), id.epoch) ||
      !read_hex(name.substr(17), id.number)) {
    return {};
  }
  return id;
}

void put_number(std::string& out, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

uint64_t take_number(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

std::string blob_key(BlobId id) {
  std::string key;
  put_number(key, id.epoch);
  put_number(key, id.number);
  return key;
}

BlobId blob_of(std::string_view key) {
  if (key.size() != kBlobIdBytes) return {};
  return {take_number(key.substr(0, 8)), take_number(key.substr(8))};
}

// What the blobs' thread does, in order.
struct BlobJob {
  std::function<Result<>()> run;
  size_t bytes = 0;
  bool names = false;  // a name was made: the folder is to be synced before the answer
  BlobWriter::Done done;
  Result<> result;
};

struct BlobsState {
  explicit BlobsState(loop::Loop& loop_in) : loop(loop_in) {}

  void add(BlobJob job);
  void run();
  void deliver();

  loop::Loop& loop;
  std::string path;
  UniqueFd folder;
  uint64_t epoch = 0;
  uint64_t last_number = 0;

  std::mutex mutex;
  std::condition_variable more;
  std::deque<BlobJob> queue;
  size_t queued_bytes = 0;
  std::vector<BlobJob> answered;
  bool ending = false;
  std::thread thread;
};

struct BlobWriter::File {
  UniqueFd fd;
  Result<> failed;  // what came first
};

// ---- the thread
// ----------------------------------------------------------------------------------

void BlobsState::add(BlobJob job) {
  {
    const std::lock_guard lock(mutex);
    if (queued_bytes + job.bytes > limits::kBlobQueuedBytes) {
      job.result = fail("too many bytes wait for the disk");
      job.run = nullptr;
      answered.push_back(std::move(job));
      return loop.wake();
    }
    queued_bytes += job.bytes;
    queue.push_back(std::move(job));
  }
  more.notify_one();
}

void BlobsState::run() {
  pthread_setname_np(pthread_self(), "skep-blobs");
  for (;;) {
    std::deque<BlobJob> batch;
    {
      std::unique_lock lock(mutex);
      more.wait(lock, [&] { return ending || !queue.empty(); });
      if (queue.empty()) return;
      batch.swap(queue);
      queued_bytes = 0;
    }
    bool named = false;
    for (BlobJob& job : batch) {
      job.result = job.run();
      job.run = nullptr;
      named |= job.names && job.result;
    }
    // One sync of the folder for all the names that were made.
    Result<> synced;
    if (named && fsync(folder.get()) != 0) synced = fail_errno(path, errno);
    const std::lock_guard lock(mutex);
    for (BlobJob& job : batch) {
      if (job.names && job.result) job.result = synced;
      if (job.done) answered.push_back(std::move(job));
    }
    loop.wake();
  }
}

void BlobsState::deliver() {
  std::vector<BlobJob> now;
  {
    const std::lock_guard lock(mutex);
    now.swap(answered);
  }
  for (BlobJob& job : now) {
    if (job.done) job.done(std::move(job.result));
  }
}

// ---- writing
// -------------------------------------------------------------------------------------

namespace {

Result<> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(path, errno);
    if (written == 0) return fail_errno(path, ENOSPC);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

}  // namespace

BlobWriter::BlobWriter(std::shared_ptr<BlobsState> state, BlobId id)
    : state_(std::move(state)), id_(id), file_(std::make_shared<File>()) {}

BlobWriter::~BlobWriter() = default;

void BlobWriter::write(std::string chunk, Done done) {
  size_ += chunk.size();
  const size_t bytes = chunk.size();
  auto run = [state = state_.get(), file = file_, chunk = std::move(chunk)]() -> Result<> {
    if (!file->failed) return file->failed;
    if (!file->fd) {
      file->fd = UniqueFd(openat(state->folder.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
      if (!file->fd) return file->failed = fail_errno(state->path, errno);
    }
    return file->failed = write_all(file->fd.get(), chunk, state->path);
  };
  state_->add({std::move(run), bytes, false, std::move(done), {}});
}

void BlobWriter::finish(Done done) {
  auto run = [state = state_.get(), file = file_, name = name_of(id_)]() -> Result<> {
    if (!file->failed) return file->failed;
    if (!file->fd) return fail("a blob of no bytes");
    if (fsync(file->fd.get()) != 0) return fail_errno(state->path, errno);
    const std::string own = fmt::format("/proc/self/fd/{}", file->fd.get());
    if (linkat(AT_FDCWD, own.c_str(), state->folder.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return fail_errno(fmt::format("{}/{}", state->path, name), errno);
    file->fd.reset();
    return {};
  };
  state_->add({std::move(run), 0, true, std::move(done), {}});
}

// ---- Blobs
// ---------------------------------------------------------------------------------------

Result<std::unique_ptr<Blobs>> Blobs::open(loop::Loop& loop, const std::string& folder,
                                           uint64_t epoch) {
  auto state = std::make_shared<BlobsState>(loop);
  state->path = folder;
  state->epoch = epoch;
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(folder, errno);
  state->folder = UniqueFd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!state->folder) return fail_errno(folder, errno);
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  loop.add_turn_hook([weak = std::weak_ptr(state)](bool) {
    if (const auto alive = weak.lock()) alive->deliver();
    return false;
  });
  return std::unique_ptr<Blobs>(new Blobs(std::move(state)));
}

Blobs::~Blobs() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->more.notify_one();
  state_->thread.join();
}

std::unique_ptr<BlobWriter> Blobs::create() {
  return std::unique_ptr<BlobWriter>(
      new BlobWriter(state_, {state_->epoch, ++state_->last_number}));
}

Result<UniqueFd> Blobs::read(BlobId id) const {
  const std::string name = name_of(id);
  UniqueFd fd(openat(state_->folder.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return fail_errno(fmt::format("{}/{}", state_->path, name), errno);
  return fd;
}

void Blobs::remove(BlobId id) {
  // A name that is left after a crash, or that cannot be deleted now, goes with the next sweep.
  state_->add({[state = state_.get(), name = name_of(id)]() -> Result<> {
                 unlinkat(state->folder.get(), name.c_str(), 0);
                 return {};
               },
               0,
               false,
               nullptr,
               {}});
}

void Blobs::sweep(std::function<std::vector<BlobId>(std::vector<BlobId>)> referred) {
  auto run = [state = state_.get(), referred = std::move(referred)]() -> Result<> {
    const int copy = openat(state->folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* folder = copy < 0 ? nullptr : fdopendir(copy);
    if (folder == nullptr) return fail_errno(state->path, errno);
    std::vector<BlobId> found;
    const auto judge = [&] {
      const std::vector<BlobId> kept = referred(found);
      for (const BlobId id : found) {
        if (std::find(kept.begin(), kept.end(), id) == kept.end())
          unlinkat(state->folder.get(), name_of(id).c_str(), 0);
      }
      found.clear();
    };
    while (const dirent* entry = readdir(folder)) {
      const BlobId id = id_of(entry->d_name);
      if (id.epoch != 0 && id.epoch < state->epoch) found.push_back(id);
      if (found.size() == limits::kBlobsSweptAtOnce) judge();
    }
    judge();
    closedir(folder);
    return {};
  };
  state_->add({std::move(run), 0, false, nullptr, {}});
}

}  // namespace skep::storage
