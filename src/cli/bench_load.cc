#include "cli/bench_load.h"

#include <fmt/format.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "base/unique_fd.h"
#include "loop/socket.h"
#include "net/http1/response_parser.h"

namespace skep::cli {
namespace {
constexpr int64_t kReconnectPauseMs = 50;
constexpr double kNsPerSecond = 1e9;
}  // namespace

// One connection and the request that is out on it. It connects again by itself whenever the server
// has closed it.
class LoadConnection final : public loop::SocketEvents, public loop::Completion {
 public:
  explicit LoadConnection(Load& load)
      : load_(load),
        parser_(false),
        timeout_(load.loop_, [this] { fail(&LoadResult::timed_out); }),
        reconnect_(load.loop_, [this] { connect(); }) {}

  void connect();
  void send(int64_t due_ns);
  void connect_later() { reconnect_.set_ms(kReconnectPauseMs); }
  bool busy() const { return busy_; }
  bool connecting() const { return static_cast<bool>(connecting_); }
  // Drops the request that is out, uncounted.
  void abandon();
  int64_t due_ns() const { return due_ns_; }
  int64_t sent_ns() const { return sent_ns_; }

  void complete(int32_t result, uint32_t flags, bool more) override;
  void on_data(std::span<const char> data) override;
  void on_end() override;
  void on_error(int error) override { fail(&LoadResult::broken); }
  void on_sent() override {}

 private:
  void fail(uint64_t LoadResult::* reason);
  void answered();

  Load& load_;
  UniqueFd connecting_;
  std::unique_ptr<loop::Socket> socket_;
  net::http1::ResponseParser parser_;
  loop::Timer timeout_;
  loop::Timer reconnect_;
  int64_t due_ns_ = 0;
  int64_t sent_ns_ = 0;
  bool busy_ = false;
};

void LoadConnection::connect() {
  if (socket_ != nullptr && !busy_) load_.connection_lost(*this);
  socket_.reset();
  const BenchTarget& target = load_.target_;
  connecting_.reset(::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connecting_) return load_.connection_failed(*this, errno);
  if (target.address.ss_family != AF_UNIX) {
    const int on = 1;
    setsockopt(connecting_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  io_uring_prep_connect(load_.loop_.prepare(this), connecting_.get(),
                        reinterpret_cast<const sockaddr*>(&target.address), target.address_bytes);
}

void LoadConnection::complete(int32_t result, uint32_t flags, bool more) {
  if (result < 0) {
    connecting_.reset();
    if (result == -ECANCELED) return;  // the load is over
    return load_.connection_failed(*this, -result);
  }
  socket_ = std::make_unique<loop::Socket>(load_.loop_, std::move(connecting_), *this);
  socket_->receive();
  load_.connection_ready(*this);
}

void LoadConnection::send(int64_t due_ns) {
  busy_ = true;
  sent_ns_ = monotonic_ns();
  due_ns_ = due_ns;
  parser_.reset(load_.target_.head_request);
  timeout_.set_at_ns(sent_ns_ + static_cast<int64_t>(load_.options_.timeout_s * kNsPerSecond));
  socket_->send_owned(load_.target_.request, nullptr);
}

void LoadConnection::abandon() {
  busy_ = false;
  timeout_.cancel();
}

void LoadConnection::on_data(std::span<const char> data) {
  const std::string_view bytes(data.data(), data.size());
  if (!busy_) return connect();  // bytes that nobody asked for: an idle time-out's message
  const size_t used = parser_.feed(bytes);
  if (parser_.failed() || (parser_.done() && used < bytes.size()))
    return fail(&LoadResult::malformed);
  if (parser_.done()) answered();
}

void LoadConnection::on_end() {
  if (!busy_) return connect();
  parser_.feed_end();
  if (parser_.done()) return answered();
  fail(&LoadResult::broken);
}

void LoadConnection::fail(uint64_t LoadResult::* reason) {
  if (!busy_) return connect();
  abandon();
  ++(load_.result_.*reason);
  load_.request_over();
  connect();
}

void LoadConnection::answered() {
  abandon();
  const bool again = parser_.keep_alive();
  load_.answered(*this, parser_.status(), parser_.body_bytes());
  if (!again) {
    ++load_.result_.reconnects;
    return connect();
  }
  load_.connection_ready(*this);
}

// ---- Load ----

Load::Load(loop::Loop& loop, const BenchTarget& target, const BenchOptions& options)
    : loop_(loop),
      target_(target),
      options_(options),
      unconnected_(options.connections),
      pace_(loop, [this] { send_due(); }),
      end_(loop, [this] { loop_.stop(); }) {
  for (unsigned i = 0; i < options.connections; ++i)
    connections_.push_back(std::make_unique<LoadConnection>(*this));
}

// A connection that is being made is an operation in flight: it must end before its object does.
Load::~Load() {
  for (auto& connection : connections_)
    if (connection->connecting()) loop_.cancel(connection.get());
  const auto any_left = [this] {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](auto& one) { return one->connecting(); });
  };
  while (any_left())
    if (!loop_.turn(true)) return;
}

Result<> Load::connect() {
  for (auto& connection : connections_) connection->connect();
  end_.set_ms(static_cast<int64_t>(options_.timeout_s * 1e3));
  SKEP_TRY(loop_.run());
  end_.cancel();
  if (connect_error_ != 0) return fail_errno("cannot connect to " + target_.name, connect_error_);
  if (unconnected_ > 0)
    return fail(fmt::format("cannot connect to {}: no answer within {} s", target_.name,
                            options_.timeout_s));
  connected_ = true;
  return {};
}

void Load::connection_ready(LoadConnection& connection) {
  if (!connected_) {
    idle_.push_back(&connection);
    if (--unconnected_ == 0) loop_.stop();
    return;
  }
  if (options_.rate == 0 && running_) return connection.send(monotonic_ns());
  if (options_.rate > 0 && backlog()) return connection.send(due_ns(next_sent_++));
  idle_.push_back(&connection);
}

void Load::connection_failed(LoadConnection& connection, int error) {
  if (!connected_) {
    connect_error_ = error;
    loop_.stop();
    return;
  }
  ++result_.connect_errors;
  connection.connect_later();
}

void Load::connection_lost(LoadConnection& connection) {
  std::erase(idle_, &connection);
}

int64_t Load::due_ns(uint64_t index) const {
  return start_ns_ +
         static_cast<int64_t>(static_cast<double>(index) * kNsPerSecond / options_.rate);
}

// Open loop: gives each request that is due by now to a connection, and sleeps until the next is.
void Load::send_due() {
  const int64_t now_ns = monotonic_ns();
  while (due_ns(next_due_) <= now_ns && due_ns(next_due_) < end_ns_) ++next_due_;
  while (backlog() && !idle_.empty()) {
    LoadConnection& connection = *idle_.back();
    idle_.pop_back();
    connection.send(due_ns(next_sent_++));
  }
  if (due_ns(next_due_) < end_ns_) pace_.set_at_ns(due_ns(next_due_));
}

void Load::answered(LoadConnection& connection, int status, uint64_t body_bytes) {
  const int64_t now_ns = monotonic_ns();
  // It belongs to the warm-up (open loop), or to the time after the end (closed loop).
  if (options_.rate > 0 ? connection.due_ns() < start_ns_ : now_ns >= end_ns_) return;
  if (now_ns < end_ns_)
    ++result_.requests;
  else
    ++result_.late;
  ++result_.by_status_class[static_cast<size_t>(status >= 100 && status < 600 ? status / 100 : 0)];
  result_.body_bytes += body_bytes;
  result_.latency_ns.record(now_ns - connection.due_ns());
  result_.service_ns.record(now_ns - connection.sent_ns());
  request_over();
}

// finish() looks again.
void Load::request_over() {
  if (!running_) loop_.stop();
}

uint64_t Load::requests_out() const {
  const auto busy = std::count_if(connections_.begin(), connections_.end(), [this](auto& one) {
    return one->busy() && one->due_ns() >= start_ns_;
  });
  return static_cast<uint64_t>(busy);
}

Result<> Load::run(double seconds) {
  result_ = {};
  start_ns_ = monotonic_ns();
  end_ns_ = start_ns_ + static_cast<int64_t>(seconds * kNsPerSecond);
  next_due_ = next_sent_ = 0;
  running_ = true;
  end_.set_at_ns(end_ns_);
  if (options_.rate > 0) {
    send_due();
  } else {
    for (LoadConnection* connection : std::exchange(idle_, {})) connection->send(start_ns_);
  }
  SKEP_TRY(loop_.run());
  running_ = false;
  result_.measured_s = static_cast<double>(monotonic_ns() - start_ns_) / kNsPerSecond;
  return {};
}

Result<> Load::finish() {
  if (options_.rate == 0) return {};
  const int64_t patience_ns =
      monotonic_ns() + static_cast<int64_t>(options_.timeout_s * kNsPerSecond);
  end_.set_at_ns(patience_ns);
  while ((backlog() || requests_out() > 0) && monotonic_ns() < patience_ns) SKEP_TRY(loop_.run());
  end_.cancel();
  result_.timed_out += requests_out() + (next_due_ - next_sent_);
  return {};
}

}  // namespace skep::cli
