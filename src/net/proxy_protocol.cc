#include "net/proxy_protocol.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/limits_edge.h"
#include "base/network.h"

namespace skep::net {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kTextSignature = "PROXY ";
constexpr size_t kTextBytes = 107;  // the longest line of version 1, its end included

ProxyHeader invalid() {
  return {.state = ProxyHeader::State::invalid};
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// Up to the next single space.
std::string_view take_word(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

// "PROXY TCP4 SOURCE DESTINATION PORT PORT\r\n", or "PROXY UNKNOWN …\r\n"
ProxyHeader parse_text(std::string_view bytes) {
  const size_t end = bytes.substr(0, kTextBytes).find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() >= kTextBytes ? invalid() : ProxyHeader{};
  }
  ProxyHeader out{.state = ProxyHeader::State::complete, .used = end + 2};
  std::string_view rest = bytes.substr(kTextSignature.size(), end - kTextSignature.size());
  if (rest.find_first_of("\r\n") != std::string_view::npos) return invalid();
  const std::string_view family = take_word(rest);
  if (family == "UNKNOWN") return out;
  const bool v4 = family == "TCP4";
  if (!v4 && family != "TCP6") return invalid();
  const std::string_view source = take_word(rest), destination = take_word(rest);
  const auto source_port = parse_port(take_word(rest)), destination_port = parse_port(rest);
  const auto fits = [v4](std::string_view text) {
    return parse_ip(text) && (text.find(':') == std::string_view::npos) == v4;
  };
  if (!fits(source) || !fits(destination) || !source_port || !destination_port) return invalid();
  out.has_client = true;
  out.client = {.address = format_ip(*parse_ip(source)), .port = *source_port};
  return out;
}

uint16_t big_endian(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                               static_cast<unsigned char>(bytes[at + 1]));
}

// 12 bytes of signature, version and command, family and transport, length, addresses, TLVs.
ProxyHeader parse_binary(std::string_view bytes) {
  constexpr size_t kFixed = 16;
  if (bytes.size() < kFixed) return {};
  const auto version = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]);
  const size_t length = big_endian(bytes, 14);
  if (version != 0x20 && version != 0x21) return invalid();
  if (kFixed + length > limits::kProxyHeaderBytes) return invalid();
  if (bytes.size() < kFixed + length) return {};
  ProxyHeader out{.state = ProxyHeader::State::complete, .used = kFixed + length};
  // LOCAL: the proxy's own connection, as for a health check.
  if (version == 0x20) return out;
  const bool v6 = family == 0x21;
  if (family != 0x11 && !v6) return invalid();
  const size_t address_bytes = v6 ? 16 : 4;
  if (length < 2 * address_bytes + 4) return invalid();
  IpAddress address{};
  if (!v6) address[10] = address[11] = 0xff;
  std::memcpy(address.data() + 16 - address_bytes, bytes.data() + kFixed, address_bytes);
  out.has_client = true;
  out.client = {.address = format_ip(address),
                .port = big_endian(bytes, kFixed + 2 * address_bytes)};
  return out;
}

class PrefixedStream final : public Stream {
 public:
  PrefixedStream(loop::Loop& loop, std::unique_ptr<Stream> stream, std::string first)
      : loop_(loop),
        stream_(std::move(stream)),
        first_(std::move(first)),
        due_([this] { deliver(); }) {}

  void set_events(loop::SocketEvents* events) override {
    events_ = events;
    stream_->set_events(events);
  }
  void receive() override {
    if (first_.empty()) return stream_->receive();
    wanted_ = true;
    loop_.defer(due_);
  }
  void pause() override {
    wanted_ = false;
    if (first_.empty()) stream_->pause();
  }
  void send(std::string_view data) override { stream_->send(data); }
  void send_owned(std::span<const char> data, std::shared_ptr<void> owner) override {
    stream_->send_owned(data, std::move(owner));
  }
  size_t queued() const override { return stream_->queued(); }
  void shutdown_send() override { stream_->shutdown_send(); }
  int64_t last_progress_ns() const override { return stream_->last_progress_ns(); }
  bool secure() const override { return stream_->secure(); }
  const TlsFacts* tls() const override { return stream_->tls(); }

 private:
  void deliver() {
    if (!wanted_ || first_.empty()) return;
    // The real one first: the owner may pause, or destroy this stream, as it reads.
    const std::string bytes = std::exchange(first_, std::string());
    stream_->receive();
    events_->on_data(bytes);
  }

  loop::Loop& loop_;
  std::unique_ptr<Stream> stream_;
  std::string first_;
  loop::Deferred due_;
  loop::SocketEvents* events_ = nullptr;
  bool wanted_ = false;
};

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  const auto begins = [bytes](std::string_view signature) {
    const size_t most = std::min(bytes.size(), signature.size());
    return bytes.substr(0, most) == signature.substr(0, most);
  };
  if (begins(kSignature))
    return bytes.size() < kSignature.size() ? ProxyHeader{} : parse_binary(bytes);
  if (begins(kTextSignature))
    return bytes.size() < kTextSignature.size() ? ProxyHeader{} : parse_text(bytes);
  return invalid();
}

ProxyWait::ProxyWait(loop::Loop& loop, std::unique_ptr<Stream> stream, loop::PeerAddress peer,
                     Done done)
    : loop_(loop),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      done_(std::move(done)),
      timer_(loop, [this] { finish(fail("no PROXY header in time")); }) {
  stream_->set_events(this);
  timer_.set_ms(limits::kProxyHeaderMs);
  stream_->receive();
}

ProxyWait::~ProxyWait() = default;

void ProxyWait::on_data(std::span<const char> data) {
  bytes_.append(data.data(), data.size());
  ProxyHeader header = parse_proxy_header(bytes_);
  if (header.state == ProxyHeader::State::partial) return;
  if (header.state == ProxyHeader::State::invalid) return finish(fail("no valid PROXY header"));
  stream_->pause();
  Arrived arrived;
  bytes_.erase(0, header.used);
  arrived.stream = bytes_.empty()
                       ? std::move(stream_)
                       : make_prefixed_stream(loop_, std::move(stream_), std::move(bytes_));
  arrived.peer = header.has_client ? std::move(header.client) : std::move(peer_);
  finish(std::move(arrived));
}

void ProxyWait::finish(Result<Arrived> result) {
  timer_.cancel();
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

std::unique_ptr<Stream> make_prefixed_stream(loop::Loop& loop, std::unique_ptr<Stream> stream,
                                             std::string first) {
  return std::make_unique<PrefixedStream>(loop, std::move(stream), std::move(first));
}

}  // namespace skep::net
