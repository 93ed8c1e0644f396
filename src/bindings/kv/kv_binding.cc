#include "bindings/kv/kv_binding.h"

#include <liburing.h>
#include <sys/mman.h>

#include <cerrno>

#include "base/time.h"
#include "rpc/descriptor.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

capnp::Data::Reader data_of(std::string_view bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

std::string to_string(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

void write_options(rpc::KvPutOptions::Builder to, const KvOptions& options) {
  to.setExpiration(options.expiration);
  to.setMetadata(data_of(options.metadata));
}

}  // namespace

// What calls that are under way need of the binding, which may be gone when they are answered.
struct KvBinding::Shared {
  explicit Shared(KvCache& cache) : space(cache) {}
  ~Shared() {
    if (counters != nullptr) munmap(counters, kKvGenerationBytes);
  }

  KvCache::Space space;
  KvCounter* counters = nullptr;  // null: not mapped (yet), and nothing is remembered
  bool asked = false;
};

KvBinding::KvBinding(BindingContext& context, rpc::KvNamespace::Client client)
    : context_(context),
      client_(kj::mv(client)),
      shared_(std::make_shared<Shared>(context.kv_cache)) {}

KvBinding::~KvBinding() noexcept = default;

void KvBinding::map_generations() {
  if (std::exchange(shared_->asked, true)) return;
  auto promise = client_.generationsRequest().send().then(
      [](auto&& response) { return rpc::take_descriptor(response.getPage()); });
  context_.tasks.add(rpc::when_done(kj::mv(promise), [shared = shared_](Result<UniqueFd> page) {
    if (!page) return;
    void* mapped = mmap(nullptr, kKvGenerationBytes, PROT_READ, MAP_SHARED, page->get(), 0);
    // Without it every read asks the broker, as it is before the answer.
    if (mapped != MAP_FAILED) shared->counters = static_cast<KvCounter*>(mapped);
  }));
}

const KvValue* KvBinding::hot(std::string_view key) {
  if (shared_->counters == nullptr) return nullptr;
  const uint64_t generation = shared_->counters[kv_slot(key)].load(std::memory_order_acquire);
  const KvValue* value = shared_->space.find(key, generation);
  if (value == nullptr || value->expiration == 0) return value;
  return value->expiration * 1000.0 > wall_clock_ms() ? value : nullptr;
}

void KvBinding::get(std::string key, Done<KvRead> done) {
  map_generations();
  auto request = client_.getRequest();
  request.setKey(data_of(key));
  auto promise = request.send().then(
      [shared = shared_, key = std::move(key)](auto&& response) -> kj::Promise<KvRead> {
        const auto entry = response.getEntry();
        auto value = std::make_shared<KvValue>();
        value->missing = entry.isMissing();
        value->expiration = entry.getExpiration();
        value->metadata = to_string(entry.getMetadata());
        if (entry.isBlob()) {
          return rpc::take_descriptor(entry.getBlob())
              .then([value, size = entry.getSize()](UniqueFd&& file) {
                return KvRead{value, std::move(file), size};
              });
        }
        if (entry.isValue()) value->bytes = to_string(entry.getValue());
        if (shared->counters != nullptr) shared->space.insert(key, entry.getGeneration(), value);
        return KvRead{value, UniqueFd(), 0};
      });
  context_.tasks.add(rpc::when_done(kj::mv(promise), std::move(done)));
}

void KvBinding::put(std::string_view key, std::string_view value, const KvOptions& options,
                    Done<void> done) {
  auto request = client_.putRequest();
  request.setKey(data_of(key));
  request.setValue(data_of(value));
  write_options(request.initOptions(), options);
  context_.tasks.add(rpc::when_done(request.send().ignoreResult(), std::move(done)));
}

void KvBinding::erase(std::string_view key, Done<void> done) {
  auto request = client_.deleteRequest();
  request.setKey(data_of(key));
  context_.tasks.add(rpc::when_done(request.send().ignoreResult(), std::move(done)));
}

void KvBinding::list(std::string_view prefix, uint32_t limit, std::string_view cursor,
                     Done<KvListed> done) {
  auto request = client_.listRequest();
  request.setPrefix(data_of(prefix));
  request.setLimit(limit);
  const std::string text(cursor);
  request.setCursor({text.c_str(), text.size()});
  auto promise = request.send().then([](auto&& response) {
    const auto page = response.getPage();
    KvListed listed;
    for (const auto key : page.getKeys()) {
      listed.keys.push_back(
          {to_string(key.getName()), to_string(key.getMetadata()), key.getExpiration()});
    }
    listed.cursor = page.getCursor().cStr();
    return listed;
  });
  context_.tasks.add(rpc::when_done(kj::mv(promise), std::move(done)));
}

rpc::KvSink::Client KvBinding::open_sink(std::string_view key, const KvOptions& options) {
  auto request = client_.putLargeRequest();
  request.setKey(data_of(key));
  write_options(request.initOptions(), options);
  return request.send().getSink();
}

void KvBinding::write(BindingContext& context, rpc::KvSink::Client& sink, std::string_view chunk,
                      Done<void> done) {
  auto request = sink.writeRequest();
  request.setChunk(data_of(chunk));
  context.tasks.add(rpc::when_done(request.send(), std::move(done)));
}

void KvBinding::end(BindingContext& context, rpc::KvSink::Client& sink, Done<void> done) {
  context.tasks.add(rpc::when_done(sink.endRequest().send().ignoreResult(), std::move(done)));
}

// ---- FileReader
// ----------------------------------------------------------------------------------

// Lives until its completion came, which may be after the reader's end.
class FileReader::Operation final : public loop::Completion {
 public:
  Operation(FileReader& reader, size_t bytes, std::function<void(Result<std::string>)> done)
      : reader_(&reader), file_(reader.file_), done_(std::move(done)) {
    // Not cleared: what was not read is cut off.
    buffer_.resize_and_overwrite(bytes, [](char*, size_t size) { return size; });
  }

  void start() {
    io_uring_sqe* sqe = reader_->loop_.prepare(this);
    io_uring_prep_read(sqe, file_->get(), buffer_.data(), static_cast<unsigned>(buffer_.size()),
                       reader_->offset_);
  }

  void complete(int32_t result, uint32_t, bool) override {
    const std::unique_ptr<Operation> self(this);
    if (reader_ == nullptr) return;
    reader_->running_ = nullptr;
    if (result <= 0) return done_(fail_errno("the value", result < 0 ? -result : EIO));
    buffer_.resize(static_cast<size_t>(result));
    reader_->offset_ += buffer_.size();
    done_(std::move(buffer_));
  }

  void forget() { reader_ = nullptr; }

 private:
  FileReader* reader_;
  std::shared_ptr<UniqueFd> file_;
  std::string buffer_;
  std::function<void(Result<std::string>)> done_;
};

FileReader::FileReader(loop::Loop& loop, UniqueFd file, uint64_t size, uint64_t begin)
    : loop_(loop),
      file_(std::make_shared<UniqueFd>(std::move(file))),
      size_(size),
      offset_(begin) {}

FileReader::~FileReader() {
  if (running_ != nullptr) running_->forget();
}

void FileReader::read(size_t most, std::function<void(Result<std::string>)> done) {
  const size_t bytes = static_cast<size_t>(std::min<uint64_t>(most, left()));
  if (bytes == 0) return done(std::string());
  running_ = new Operation(*this, bytes, std::move(done));
  running_->start();
}

}  // namespace skep::bindings
