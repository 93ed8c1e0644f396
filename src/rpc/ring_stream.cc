#include "rpc/ring_stream.h"

#include <kj/debug.h>
#include <kj/io.h>
#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/limits.h"

namespace skep::rpc {
namespace {

using Pieces = kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>>;
using ReadResult = kj::AsyncCapabilityStream::ReadResult;

kj::Exception disconnected(const char* what) {
  return KJ_EXCEPTION(DISCONNECTED, what);
}

kj::Exception failed(const char* what, int error) {
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__,
                       kj::str(what, ": ", strerror(error)));
}

// The kernel reads and writes these buffers at its own time, so they belong to the operations and
// not to the caller, who may drop his promise at any moment.
struct Message {
  Message() : buffer(kj::heapArray<kj::byte>(limits::kRpcBufferBytes)) {}

  void clear() {
    vector = {};
    header = {};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
  }

  kj::Array<kj::byte> buffer;
  iovec vector = {};
  msghdr header = {};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * limits::kRpcFdsPerMessage)> control;
};

class Operation : public loop::Completion {
 public:
  bool in_flight = false;

 protected:
  ~Operation() = default;
};

class WriteWaiter;
class ReadWaiter;

// What the ring needs of a stream. Lives until the stream is gone and no operation is in flight.
class Channel {
 public:
  Channel(loop::Loop& loop_in, UniqueFd socket_in, bool receive_descriptors_in)
      : loop(loop_in), socket(std::move(socket_in)), receive_descriptors(receive_descriptors_in) {}

  void read_more(size_t max_bytes);
  void write_more(kj::ArrayPtr<const int> descriptors, size_t bytes);
  void shutdown_write();
  // The stream is gone.
  void abandon();
  // Deletes this once the stream is gone and nobody waits for or works with it any more.
  void release();

  loop::Loop& loop;
  UniqueFd socket;
  bool receive_descriptors;
  bool read_broken = false;
  bool write_broken = false;
  ReadWaiter* reader = nullptr;
  WriteWaiter* writer = nullptr;
  Message in, out;

 private:
  struct Read final : Operation {
    explicit Read(Channel& channel_in) : channel(channel_in) {}
    void complete(int32_t result, uint32_t flags, bool more) override;
    Channel& channel;
  };
  struct Write final : Operation {
    explicit Write(Channel& channel_in) : channel(channel_in) {}
    void complete(int32_t result, uint32_t flags, bool more) override;
    Channel& channel;
  };
  struct Shutdown final : Operation {
    explicit Shutdown(Channel& channel_in) : channel(channel_in) {}
    void complete(int32_t result, uint32_t flags, bool more) override;
    Channel& channel;
  };

  Read read_{*this};
  Write write_{*this};
  Shutdown shutdown_{*this};
  bool abandoned_ = false;
};

// Calls `take` with each descriptor of a message, owned.
template <typename Take>
void each_descriptor(msghdr& header, Take take) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      take(kj::AutoCloseFd(fd));
    }
  }
}

// A promise of KJ that waits for a read, and what it has so far.
class ReadWaiter {
 public:
  ReadWaiter(kj::PromiseFulfiller<ReadResult>& fulfiller, Channel& channel, kj::byte* buffer,
             size_t min_bytes, size_t max_bytes, kj::AutoCloseFd* descriptors,
             size_t max_descriptors)
      : fulfiller_(fulfiller),
        buffer_(buffer),
        min_bytes_(min_bytes),
        max_bytes_(max_bytes),
        descriptors_(descriptors),
        max_descriptors_(max_descriptors) {
    if (channel.read_broken || channel.reader != nullptr) {
      fulfiller_.reject(disconnected("reading from a broken stream"));
      return;
    }
    channel_ = &channel;
    channel.reader = this;
    channel.read_more(max_bytes_);
  }

  ~ReadWaiter() noexcept {
    if (channel_ == nullptr) return;
    channel_->read_broken = true;
    channel_->reader = nullptr;
    channel_->release();
  }
  KJ_DISALLOW_COPY_AND_MOVE(ReadWaiter);

  void arrived(int32_t result, msghdr& header) {
    if (result == -EINTR || result == -EAGAIN) return channel_->read_more(missing());
    if (result < 0) {
      finish().read_broken = true;
      return fulfiller_.reject(failed("reading from the peer", -result));
    }
    each_descriptor(header, [this](kj::AutoCloseFd fd) {
      if (result_.capCount < max_descriptors_) descriptors_[result_.capCount++] = kj::mv(fd);
    });
    memcpy(buffer_ + result_.byteCount, channel_->in.buffer.begin(), static_cast<size_t>(result));
    result_.byteCount += static_cast<size_t>(result);
    if (result > 0 && result_.byteCount < min_bytes_) return channel_->read_more(missing());
    finish();
    fulfiller_.fulfill(kj::mv(result_));
  }

 private:
  size_t missing() const { return max_bytes_ - result_.byteCount; }

  Channel& finish() {
    channel_->reader = nullptr;
    return *std::exchange(channel_, nullptr);
  }

  kj::PromiseFulfiller<ReadResult>& fulfiller_;
  Channel* channel_ = nullptr;  // null: done
  kj::byte* buffer_;
  size_t min_bytes_, max_bytes_;
  kj::AutoCloseFd* descriptors_;
  size_t max_descriptors_;
  ReadResult result_ = {0, 0};
};

class WriteWaiter {
 public:
  WriteWaiter(kj::PromiseFulfiller<void>& fulfiller, Channel& channel,
              kj::ArrayPtr<const kj::byte> first, Pieces more, kj::ArrayPtr<const int> descriptors)
      : fulfiller_(fulfiller), current_(first), more_(more), descriptors_(descriptors) {
    if (channel.write_broken || channel.writer != nullptr) {
      fulfiller_.reject(disconnected("writing to a broken stream"));
      return;
    }
    if (descriptors_.size() > limits::kRpcFdsPerMessage) {
      fulfiller_.reject(KJ_EXCEPTION(FAILED, "too many descriptors in one message"));
      return;
    }
    channel_ = &channel;
    channel.writer = this;
    next();
  }

  ~WriteWaiter() noexcept {
    if (channel_ == nullptr) return;
    channel_->write_broken = true;
    channel_->writer = nullptr;
    channel_->release();
  }
  KJ_DISALLOW_COPY_AND_MOVE(WriteWaiter);

  void sent(int32_t result) {
    if (result == -EINTR || result == -EAGAIN) result = 0;
    if (result < 0) {
      finish().write_broken = true;
      return fulfiller_.reject(failed("writing to the peer", -result));
    }
    if (result > 0) descriptors_ = nullptr;
    // What the kernel did not take stays at the front of the buffer.
    held_ -= static_cast<size_t>(result);
    kj::byte* buffer = channel_->out.buffer.begin();
    memmove(buffer, buffer + result, held_);
    next();
  }

 private:
  // Many small messages leave together; big ones go by bufferfuls.
  void fill() {
    auto buffer = channel_->out.buffer.asPtr();
    while (held_ < buffer.size()) {
      if (current_.size() == 0) {
        if (more_.size() == 0) return;
        current_ = more_[0];
        more_ = more_.slice(1, more_.size());
        continue;
      }
      const size_t n = std::min(buffer.size() - held_, current_.size());
      memcpy(buffer.begin() + held_, current_.begin(), n);
      held_ += n;
      current_ = current_.slice(n, current_.size());
    }
  }

  void next() {
    fill();
    if (held_ > 0) return channel_->write_more(descriptors_, held_);
    finish();
    fulfiller_.fulfill();
  }

  Channel& finish() {
    channel_->writer = nullptr;
    return *std::exchange(channel_, nullptr);
  }

  kj::PromiseFulfiller<void>& fulfiller_;
  Channel* channel_ = nullptr;  // null: done
  kj::ArrayPtr<const kj::byte> current_;
  Pieces more_;
  kj::ArrayPtr<const int> descriptors_;
  size_t held_ = 0;  // bytes in the channel's buffer, not yet taken by the kernel
};

void Channel::read_more(size_t max_bytes) {
  in.clear();
  in.vector = {in.buffer.begin(), std::min(max_bytes, in.buffer.size())};
  if (receive_descriptors) {
    in.header.msg_control = in.control.data();
    in.header.msg_controllen = in.control.size();
  }
  read_.in_flight = true;
  io_uring_prep_recvmsg(loop.prepare(&read_), socket.get(), &in.header, MSG_CMSG_CLOEXEC);
}

void Channel::Read::complete(int32_t result, uint32_t, bool) {
  in_flight = false;
  if (channel.reader != nullptr) {
    channel.reader->arrived(result, channel.in.header);
  } else if (result >= 0) {
    each_descriptor(channel.in.header, [](kj::AutoCloseFd) {});
  }
  channel.release();
}

void Channel::write_more(kj::ArrayPtr<const int> descriptors, size_t bytes) {
  out.clear();
  out.vector = {out.buffer.begin(), bytes};
  if (descriptors.size() > 0) {
    const size_t length = descriptors.size() * sizeof(int);
    out.control = {};
    out.header.msg_control = out.control.data();
    out.header.msg_controllen = CMSG_SPACE(length);
    cmsghdr* control = CMSG_FIRSTHDR(&out.header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(control), descriptors.begin(), length);
  }
  write_.in_flight = true;
  io_uring_prep_sendmsg(loop.prepare(&write_), socket.get(), &out.header, MSG_NOSIGNAL);
}

void Channel::Write::complete(int32_t result, uint32_t, bool) {
  in_flight = false;
  if (channel.writer != nullptr) channel.writer->sent(result);
  channel.release();
}

void Channel::shutdown_write() {
  if (shutdown_.in_flight) return;
  shutdown_.in_flight = true;
  io_uring_prep_shutdown(loop.prepare(&shutdown_), socket.get(), SHUT_WR);
}

void Channel::Shutdown::complete(int32_t, uint32_t, bool) {
  // An error says that the peer is gone already, which is as good.
  in_flight = false;
  channel.release();
}

void Channel::abandon() {
  abandoned_ = true;
  for (Operation* operation : {static_cast<Operation*>(&read_), static_cast<Operation*>(&write_)})
    if (operation->in_flight) loop.cancel(operation);
  release();
}

void Channel::release() {
  const bool in_flight = read_.in_flight || write_.in_flight || shutdown_.in_flight;
  if (abandoned_ && !in_flight && reader == nullptr && writer == nullptr) delete this;
}

class RingStream final : public kj::AsyncCapabilityStream {
 public:
  explicit RingStream(Channel* channel) : channel_(channel) {}
  ~RingStream() noexcept { channel_->abandon(); }
  KJ_DISALLOW_COPY_AND_MOVE(RingStream);

  kj::Promise<ReadResult> tryReadWithFds(void* buffer, size_t min_bytes, size_t max_bytes,
                                         kj::AutoCloseFd* descriptors,
                                         size_t max_descriptors) override {
    if (max_bytes == 0) return ReadResult{0, 0};
    return kj::newAdaptedPromise<ReadResult, ReadWaiter>(*channel_, static_cast<kj::byte*>(buffer),
                                                         min_bytes, max_bytes, descriptors,
                                                         max_descriptors);
  }

  kj::Promise<void> writeWithFds(kj::ArrayPtr<const kj::byte> data, Pieces more,
                                 kj::ArrayPtr<const int> descriptors) override {
    return kj::newAdaptedPromise<void, WriteWaiter>(*channel_, data, more, descriptors);
  }

  kj::Promise<size_t> tryRead(void* buffer, size_t min_bytes, size_t max_bytes) override {
    return tryReadWithFds(buffer, min_bytes, max_bytes, nullptr, 0).then([](ReadResult result) {
      return result.byteCount;
    });
  }

  kj::Promise<void> write(const void* buffer, size_t size) override {
    return writeWithFds(kj::arrayPtr(static_cast<const kj::byte*>(buffer), size), nullptr, nullptr);
  }

  kj::Promise<void> write(Pieces pieces) override { return writeWithFds(nullptr, pieces, nullptr); }

  // KJ allows a stream not to know before it writes.
  kj::Promise<void> whenWriteDisconnected() override { return kj::NEVER_DONE; }

  void shutdownWrite() override { channel_->shutdown_write(); }

  kj::Promise<void> writeWithStreams(kj::ArrayPtr<const kj::byte>, Pieces,
                                     kj::Array<kj::Own<AsyncCapabilityStream>>) override {
    KJ_UNIMPLEMENTED("descriptors ride along, streams do not");
  }
  kj::Promise<ReadResult> tryReadWithStreams(void*, size_t, size_t, kj::Own<AsyncCapabilityStream>*,
                                             size_t) override {
    KJ_UNIMPLEMENTED("descriptors ride along, streams do not");
  }

  // Cap'n Proto asks for the send buffer's size to set the window of streaming calls. getsockopt is
  // forbidden in a shard, and a constant window serves as well.
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    KJ_REQUIRE(level == SOL_SOCKET && option == SO_SNDBUF && *length == sizeof(int));
    const int window_bytes = limits::kRpcWindowBytes;
    memcpy(value, &window_bytes, sizeof window_bytes);
  }

 private:
  Channel* channel_;
};

}  // namespace

kj::Own<kj::AsyncCapabilityStream> make_ring_stream(loop::Loop& loop, UniqueFd socket,
                                                    bool receive_descriptors) {
  return kj::heap<RingStream>(new Channel(loop, std::move(socket), receive_descriptors));
}

}  // namespace skep::rpc
