#include "loop/socket.h"

#include <cerrno>
#include <string>
#include <utility>

#include "base/assert.h"
#include "loop/loop_impl.h"
#include "loop/send_queue.h"

namespace skep::loop {

// What a connection is, from its Socket's birth to the last completion. Its member functions may
// call the owner's events, which may destroy the Socket: each entry from the loop holds a Guard,
// and the state goes with the last Guard once nothing is in flight.
struct Socket::State final : Flushable {
  template <void (State::*handle)(int32_t result, uint32_t flags, bool more)>
  struct Operation final : Completion {
    explicit Operation(State& owner) : state(owner) {}
    void complete(int32_t result, uint32_t flags, bool more) override {
      Guard guard(state);
      if (!more) --state.in_flight;
      (state.*handle)(result, flags, more);
    }
    State& state;
  };

  struct Guard {
    explicit Guard(State& guarded) : state(guarded) { ++state.guards; }
    ~Guard() {
      --state.guards;
      state.delete_if_over();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    State& state;
  };

  // Several pieces at once need an iovec that lives as long as the operation.
  struct Gather {
    msghdr message{};
    iovec pieces[limits::kSendPiecesAtOnce];
  };

  State(LoopImpl& loop_impl, int plain_fd, SocketEvents& owner)
      : loop(loop_impl), events(&owner), fd(plain_fd), queue(loop_impl.send_blocks) {}

  void close();
  void delete_if_over();
  io_uring_sqe* start(Completion& completion);
  void use_file(io_uring_sqe* sqe) const;

  void arm_receive();
  void stop_receiving();
  void on_receive(int32_t result, uint32_t flags, bool more);
  void take_bytes(std::span<const char> data);
  void go_on_receiving();
  void deliver_kept();

  void want_flush();
  void flush() override;
  void start_send();
  void on_send(int32_t result, uint32_t flags, bool more);
  void shut_down_if_due();

  void move_into_table();
  void on_moved(int32_t result, uint32_t flags, bool more);
  void fail(int error);

  LoopImpl& loop;
  SocketEvents* events;  // null once the Socket is gone
  int fd;
  int slot = -1;  // in the registered table
  int moving_fd = -1;
  unsigned in_flight = 0;
  unsigned guards = 0;
  unsigned sends = 0;
  bool wants_data = false;
  bool receive_armed = false;
  bool receive_stopping = false;
  bool end_seen = false;       // the peer's FIN arrived…
  bool end_delivered = false;  // …and was told to the owner
  bool failed = false;
  bool flush_queued = false;
  bool send_in_flight = false;
  bool shutdown_wanted = false;
  bool shutdown_done = false;
  bool table_tried = false;
  SendQueue queue;
  std::string kept;  // arrived while nobody wanted it
  int64_t progress_ns = 0;
  std::unique_ptr<Gather> gather;
  Operation<&State::on_receive> receive_operation{*this};
  Operation<&State::on_send> send_operation{*this};
  Operation<&State::on_moved> move_operation{*this};
  Deferred deliver{[this] {
    Guard guard(*this);
    deliver_kept();
  }};
};

// ---- life ----

// The kernel drops the connection when the last operation has let go of it; those are cancelled
// first.
void Socket::State::close() {
  Guard guard(*this);
  events = nullptr;
  if (receive_armed && !receive_stopping) stop_receiving();
  if (send_in_flight) loop.cancel(&send_operation);
  // Waiting for the move (which is over by the next turn) is simpler than to undo it.
  kept.clear();
}

void Socket::State::delete_if_over() {
  if (guards > 0 || events != nullptr || in_flight > 0 || flush_queued) return;
  if (slot >= 0) {
    io_uring_sqe* sqe = loop.prepare(nullptr);
    io_uring_prep_close_direct(sqe, static_cast<unsigned>(slot));
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    --loop.stats.fixed_files_used;
  }
  io_uring_sqe* sqe = loop.prepare(nullptr);
  io_uring_prep_close(sqe, fd);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  delete this;
}

io_uring_sqe* Socket::State::start(Completion& completion) {
  ++in_flight;
  return loop.prepare(&completion);
}

// After the io_uring_prep_… call, which clears flags.
void Socket::State::use_file(io_uring_sqe* sqe) const {
  if (slot < 0) return;
  sqe->fd = slot;
  sqe->flags |= IOSQE_FIXED_FILE;
}

void Socket::State::fail(int error) {
  if (failed || events == nullptr) return;
  failed = true;
  wants_data = false;
  kept.clear();
  if (!send_in_flight) queue.clear();
  events->on_error(error);
}

// ---- receive ----

void Socket::State::arm_receive() {
  io_uring_sqe* sqe = start(receive_operation);
  io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
  use_file(sqe);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = RecvBuffers::kGroup;
  receive_armed = true;
}

void Socket::State::stop_receiving() {
  loop.cancel(&receive_operation);
  receive_stopping = true;
}

void Socket::State::on_receive(int32_t result, uint32_t flags, bool more) {
  if (!more) receive_armed = receive_stopping = false;
  const bool has_buffer = (flags & IORING_CQE_F_BUFFER) != 0;
  const auto buffer = static_cast<uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
  if (result > 0) {
    SKEP_ASSERT(has_buffer);
    take_bytes(loop.recv_buffers->at(buffer).first(static_cast<size_t>(result)));
  }
  if (has_buffer) loop.recv_buffers->release(buffer);
  if (result == 0) {
    end_seen = true;
    if (kept.empty()) deliver_kept();
  }
  if (result == -ENOBUFS) loop.recv_buffers->grow();
  const bool again = result >= 0 || result == -ENOBUFS || result == -ECANCELED ||
                     result == -EINTR || result == -EAGAIN;
  if (!again) return fail(-result);
  go_on_receiving();
}

void Socket::State::take_bytes(std::span<const char> data) {
  if (events == nullptr || failed) return;
  if (wants_data && kept.empty()) return events->on_data(data);
  kept.append(data.data(), data.size());
  if (receive_armed && !receive_stopping && !wants_data) stop_receiving();
}

void Socket::State::go_on_receiving() {
  if (events == nullptr || failed || end_seen || receive_armed || !wants_data) return;
  arm_receive();
}

void Socket::State::deliver_kept() {
  if (events == nullptr || failed || !wants_data) return;
  if (!kept.empty()) {
    const std::string data = std::exchange(kept, {});
    events->on_data(data);
  }
  if (events == nullptr || failed || !wants_data || !kept.empty()) return;
  if (end_seen && !end_delivered) {
    end_delivered = true;
    events->on_end();
  }
}

// ---- send ----

void Socket::State::want_flush() {
  if (flush_queued) return;
  flush_queued = true;
  loop.add_flush(*this);
}

void Socket::State::flush() {
  Guard guard(*this);
  flush_queued = false;
  if (events == nullptr || failed || send_in_flight) return;
  if (queue.empty())
    shut_down_if_due();
  else
    start_send();
}

void Socket::State::start_send() {
  iovec first[2];
  const size_t count = queue.pieces(first);
  io_uring_sqe* sqe = start(send_operation);
  // Where the end follows at once, the kernel sends the last bytes and the FIN as one packet.
  const int flags = MSG_NOSIGNAL | (shutdown_wanted ? MSG_MORE : 0);
  if (count == 1) {
    io_uring_prep_send(sqe, fd, first[0].iov_base, first[0].iov_len, flags);
  } else {
    if (gather == nullptr) gather = std::make_unique<Gather>();
    gather->message.msg_iov = gather->pieces;
    gather->message.msg_iovlen = queue.pieces(gather->pieces);
    io_uring_prep_sendmsg(sqe, fd, &gather->message, static_cast<unsigned>(flags));
  }
  use_file(sqe);
  send_in_flight = true;
}

void Socket::State::on_send(int32_t result, uint32_t flags, bool more) {
  send_in_flight = false;
  if (events == nullptr || failed) return queue.clear();
  if (result == -EINTR || result == -EAGAIN) return want_flush();
  if (result <= 0) return fail(result == 0 ? EPIPE : -result);
  progress_ns = loop.now_ns;
  queue.consume(static_cast<size_t>(result));
  if (events == nullptr) return;  // the owner of the bytes may have destroyed the Socket
  if (!queue.empty()) return want_flush();
  if (++sends == limits::kSendsBeforeFixedFile) move_into_table();
  shut_down_if_due();
  events->on_sent();
}

void Socket::State::shut_down_if_due() {
  if (!shutdown_wanted || shutdown_done || send_in_flight || !queue.empty()) return;
  shutdown_done = true;
  // Fails only on a connection that is gone already, which receiving will tell.
  ::shutdown(fd, SHUT_WR);
}

// ---- the registered table ----

// The descriptor stays open beside its slot: shutdown() needs it, and a receive that is already
// armed does not care.
void Socket::State::move_into_table() {
  if (table_tried || loop.fixed_files == 0) return;
  table_tried = true;
  moving_fd = fd;
  io_uring_prep_files_update(start(move_operation), &moving_fd, 1,
                             static_cast<int>(IORING_FILE_INDEX_ALLOC));
}

void Socket::State::on_moved(int32_t result, uint32_t flags, bool more) {
  if (result != 1) return;  // the table is full: the plain descriptor does as well
  slot = moving_fd;         // the kernel wrote the slot over the descriptor
  ++loop.stats.fixed_files_used;
}

// ---- Socket ----

Socket::Socket(Loop& loop, UniqueFd fd, SocketEvents& events)
    : state_(new State(*loop.impl_, fd.release(), events)) {
  SKEP_ASSERT(loop.impl_->recv_buffers != nullptr);
}

Socket::~Socket() {
  state_->close();
}

void Socket::receive() {
  State& state = *state_;
  if (state.failed || state.wants_data) return;
  state.wants_data = true;
  if (!state.kept.empty() || (state.end_seen && !state.end_delivered))
    state.loop.deferred.append(state.deliver);
  state.go_on_receiving();
}

void Socket::pause() {
  state_->wants_data = false;
}
bool Socket::receiving() const {
  return state_->wants_data;
}

void Socket::send(std::string_view data) {
  State& state = *state_;
  SKEP_ASSERT(!state.shutdown_wanted);
  if (state.failed || data.empty()) return;
  if (state.queue.empty()) state.progress_ns = state.loop.now_ns;
  state.queue.copy(data);
  state.want_flush();
}

void Socket::send_owned(std::span<const char> data, std::shared_ptr<void> owner) {
  State& state = *state_;
  SKEP_ASSERT(!state.shutdown_wanted);
  if (state.failed || data.empty()) return;
  if (state.queue.empty()) state.progress_ns = state.loop.now_ns;
  state.queue.own(data, std::move(owner));
  state.want_flush();
}

size_t Socket::queued() const {
  return state_->queue.bytes();
}

void Socket::shutdown_send() {
  if (state_->shutdown_wanted) return;
  state_->shutdown_wanted = true;
  state_->want_flush();
}

int64_t Socket::last_progress_ns() const {
  return state_->progress_ns;
}

}  // namespace skep::loop
