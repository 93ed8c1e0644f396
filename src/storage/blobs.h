// Values too large for the database, each in a file of its own. A blob is written to a nameless
// file, synced, and gets its name when it is whole (open(2), O_TMPFILE); what refers to it is
// committed to the database afterwards. A file that nothing refers to is what a crash left behind:
// the next start deletes it. Writing happens on a thread of its own. Owned by the Store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "loop/loop.h"

namespace skep::storage {

// Never used again: `epoch` counts the starts of the store.
struct BlobId {
  uint64_t epoch = 0, number = 0;
  bool operator==(const BlobId&) const = default;
};
inline constexpr size_t kBlobIdBytes = 16;
// Sixteen bytes, as the database has it. Of others than that: {0, 0}, which is nobody's.
std::string blob_key(BlobId id);
BlobId blob_of(std::string_view key);

struct BlobsState;

// A blob in the making, on the loop's thread. Dropped before finish() was answered: there is none.
class BlobWriter {
 public:
  using Done = std::function<void(Result<>)>;
  ~BlobWriter();
  BlobWriter(const BlobWriter&) = delete;
  BlobWriter& operator=(const BlobWriter&) = delete;

  // Answered when the bytes are with the kernel; who waits for that holds one chunk at a time.
  void write(std::string chunk, Done done);
  // Answered when the blob is on the disk under its name. Nothing may be written after it.
  void finish(Done done);
  BlobId id() const { return id_; }
  uint64_t size() const { return size_; }

 private:
  friend class Blobs;
  struct File;
  BlobWriter(std::shared_ptr<BlobsState> state, BlobId id);
  std::shared_ptr<BlobsState> state_;
  BlobId id_;
  uint64_t size_ = 0;
  std::shared_ptr<File> file_;
};

class Blobs {
 public:
  // `folder` is made where it is missing.
  static Result<std::unique_ptr<Blobs>> open(loop::Loop& loop, const std::string& folder,
                                             uint64_t epoch);
  ~Blobs();
  Blobs(const Blobs&) = delete;
  Blobs& operator=(const Blobs&) = delete;

  std::unique_ptr<BlobWriter> create();
  // For reading. Errors: ENOENT (deleted meanwhile) and what the disk says.
  Result<UniqueFd> read(BlobId id) const;
  // Any thread. Nothing refers to it any more.
  void remove(BlobId id);

  // The blobs of earlier epochs, some at a time, on the blobs' thread: `referred` gives those of
  // them that are still referred to, and the rest is deleted.
  void sweep(std::function<std::vector<BlobId>(std::vector<BlobId>)> referred);

 private:
  explicit Blobs(std::shared_ptr<BlobsState> state) : state_(std::move(state)) {}
  std::shared_ptr<BlobsState> state_;
};

}  // namespace skep::storage
