#include "bindings/kv/broker/kv_server.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "base/limits_kv.h"
#include "base/log.h"
#include "bindings/kv/kv_words.h"
#include "rpc/descriptor.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

std::string_view view(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

capnp::Data::Reader data_of(std::string_view bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

[[noreturn]] void refuse(std::string_view why) {
  rpc::throw_error(Error{std::string(why), 0});
}

// An error of the store: the log has all of it, the shard what a Worker may hear.
[[noreturn]] void throw_public(const Error& error) {
  log_warn("KV: {}", error.message);
  rpc::throw_error(Error{public_reason(error), error.code});
}

template <typename T>
T or_public(Result<T>&& result) {
  if (!result) throw_public(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string checked_key(capnp::Data::Reader key) {
  if (key.size() == 0 || key.size() > limits::kKvKeyBytes) refuse("not a key");
  return std::string(view(key));
}

KvRecord checked_options(rpc::KvPutOptions::Reader options) {
  if (options.getMetadata().size() > limits::kKvMetadataBytes) refuse("too much metadata");
  KvRecord record;
  record.expiration = options.getExpiration();
  record.metadata = view(options.getMetadata());
  return record;
}

// A promise of what a KvData::Done hears.
struct Answer {
  kj::Promise<void> promise;
  KvData::Done done;
};

Answer make_answer() {
  auto paf = kj::newPromiseAndFulfiller<Result<>>();
  auto fulfiller = std::make_shared<kj::Own<kj::PromiseFulfiller<Result<>>>>(kj::mv(paf.fulfiller));
  return {paf.promise.then([](Result<>&& result) { or_public(kj::mv(result)); }),
          [fulfiller](Result<> result) { (*fulfiller)->fulfill(kj::mv(result)); }};
}

// Of a write that waits for the disk. One shard leaves room in the store's queue for the others.
KvData::Done counted(std::shared_ptr<ShardShare> share, size_t bytes, KvData::Done done) {
  if (share->writes >= limits::kKvWritesWaiting ||
      share->write_bytes + bytes > limits::kKvWriteBytesWaiting) {
    refuse("too many writes wait for the disk");
  }
  ++share->writes;
  share->write_bytes += bytes;
  return [share = std::move(share), bytes, done = std::move(done)](Result<> result) {
    --share->writes;
    share->write_bytes -= bytes;
    done(std::move(result));
  };
}

// A file that the shard reads, counted while it holds it.
class BlobServer final : public rpc::KvBlob::Server {
 public:
  BlobServer(UniqueFd fd, std::shared_ptr<ShardShare> share)
      : fd_(std::move(fd)), share_(std::move(share)), held_(share_->blobs) {}
  kj::Maybe<int> getFd() override { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::shared_ptr<ShardShare> share_;
  Held held_;
};

class GenerationsServer final : public rpc::KvGenerations::Server {
 public:
  explicit GenerationsServer(std::shared_ptr<KvData> data) : data_(std::move(data)) {}
  kj::Maybe<int> getFd() override { return data_->generations().fd(); }

 private:
  std::shared_ptr<KvData> data_;
};

// A large value on its way into a blob.
class SinkServer final : public rpc::KvSink::Server {
 public:
  SinkServer(std::shared_ptr<KvData> data, std::shared_ptr<ShardShare> share, std::string key,
             KvRecord record, std::unique_ptr<storage::BlobWriter> writer)
      : data_(std::move(data)),
        share_(std::move(share)),
        held_(share_->sinks),
        key_(std::move(key)),
        record_(std::move(record)),
        writer_(std::move(writer)) {}

  kj::Promise<void> write(WriteContext context) override {
    const auto chunk = context.getParams().getChunk();
    if (ended_) refuse("the value has ended");
    if (chunk.size() == 0) return kj::READY_NOW;
    if (writer_->size() + chunk.size() > limits::kKvValueBytes) {
      ended_ = true;
      refuse("the value is too large");
    }
    auto answer = make_answer();
    writer_->write(std::string(view(chunk)), std::move(answer.done));
    return kj::mv(answer.promise);
  }

  kj::Promise<void> end(EndContext context) override {
    if (std::exchange(ended_, true)) refuse("the value has ended");
    if (writer_->size() == 0) refuse("a large value of no bytes");
    record_.blob = writer_->id();
    record_.size = writer_->size();
    auto answer = make_answer();
    writer_->finish([data = data_, key = key_, record = record_,
                     done = std::move(answer.done)](Result<> finished) mutable {
      if (!finished) return done(std::move(finished));
      data->put_blob(std::move(key), std::move(record), std::move(done));
    });
    return kj::mv(answer.promise);
  }

 private:
  std::shared_ptr<KvData> data_;
  std::shared_ptr<ShardShare> share_;
  Held held_;
  const std::string key_;
  KvRecord record_;
  std::unique_ptr<storage::BlobWriter> writer_;
  bool ended_ = false;
};

}  // namespace

KvServer::KvServer(std::shared_ptr<KvData> data, std::shared_ptr<ShardShare> share)
    : data_(std::move(data)), share_(std::move(share)) {}

kj::Promise<void> KvServer::get(GetContext context) {
  const std::string key = checked_key(context.getParams().getKey());
  uint64_t generation = 0;
  auto found = or_public(data_->get(key, generation));
  auto entry = context.getResults().initEntry();
  entry.setGeneration(generation);
  if (!found) {
    entry.setMissing();
    return kj::READY_NOW;
  }
  const KvRecord& record = found->record;
  if (found->blob) {
    if (share_->blobs >= limits::kKvBlobsHeld) refuse("too many large values are read at once");
    entry.setBlob(kj::heap<BlobServer>(std::move(found->blob), share_));
    entry.setSize(record.size);
  } else {
    entry.setValue(data_of(record.value));
  }
  entry.setExpiration(record.expiration);
  entry.setMetadata(data_of(record.metadata));
  return kj::READY_NOW;
}

kj::Promise<void> KvServer::put(PutContext context) {
  const auto params = context.getParams();
  std::string key = checked_key(params.getKey());
  if (params.getValue().size() > limits::kKvInlineBytes) refuse("a large value is not put so");
  KvRecord record = checked_options(params.getOptions());
  record.value = view(params.getValue());
  context.releaseParams();
  auto answer = make_answer();
  const size_t bytes = key.size() + record.value.size() + record.metadata.size();
  data_->put(std::move(key), std::move(record), counted(share_, bytes, std::move(answer.done)));
  return kj::mv(answer.promise);
}

kj::Promise<void> KvServer::putLarge(PutLargeContext context) {
  const auto params = context.getParams();
  std::string key = checked_key(params.getKey());
  KvRecord record = checked_options(params.getOptions());
  if (share_->sinks >= limits::kKvSinksHeld) refuse("too many large values are written at once");
  auto writer = or_public(data_->create_blob());
  context.getResults().setSink(
      kj::heap<SinkServer>(data_, share_, std::move(key), std::move(record), std::move(writer)));
  return kj::READY_NOW;
}

kj::Promise<void> KvServer::delete_(DeleteContext context) {
  auto answer = make_answer();
  std::string key = checked_key(context.getParams().getKey());
  const size_t bytes = key.size();
  data_->erase(std::move(key), counted(share_, bytes, std::move(answer.done)));
  return kj::mv(answer.promise);
}

kj::Promise<void> KvServer::list(ListContext context) {
  const auto params = context.getParams();
  const auto limit = params.getLimit();
  if (params.getPrefix().size() > limits::kKvKeyBytes || limit == 0 ||
      limit > limits::kKvKeysPerList) {
    refuse("not a page that can be asked for");
  }
  const auto cursor = params.getCursor();
  const auto listed =
      or_public(data_->list(view(params.getPrefix()), limit, {cursor.cStr(), cursor.size()}));
  if (!listed) refuse(kKvBadCursor);
  const KvData::Page& page = *listed;
  auto to = context.getResults().initPage();
  auto keys = to.initKeys(static_cast<unsigned>(page.keys.size()));
  for (unsigned i = 0; i < keys.size(); ++i) {
    const auto& [name, record] = page.keys[i];
    keys[i].setName(data_of(name));
    keys[i].setExpiration(record.expiration);
    keys[i].setMetadata(data_of(record.metadata));
  }
  to.setCursor({page.cursor.c_str(), page.cursor.size()});
  return kj::READY_NOW;
}

kj::Promise<void> KvServer::generations(GenerationsContext context) {
  context.getResults().setPage(kj::heap<GenerationsServer>(data_));
  return kj::READY_NOW;
}

}  // namespace skep::bindings
