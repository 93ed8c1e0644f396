#include "net/websocket/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace skep::net::websocket {
namespace {

constexpr Failure kTooLarge{1009, "The message is too large."};
constexpr Failure kNotUtf8{1007, "A text message is not UTF-8."};

}  // namespace

Reader::Reader(Role own, bool compression, size_t most_bytes)
    : own_(own), compression_(compression), most_bytes_(most_bytes) {}

Reader::~Reader() = default;

Failure Reader::take(std::string_view data, ReaderEvents& events) {
  while (!closed_) {
    if (!in_frame_) {
      if (!header_reader_.take(data, header_)) return {};
      if (Failure failure = begin_frame()) return failure;
    }
    const size_t size = std::min<uint64_t>(data.size(), header_.length - taken_);
    if (size == 0 && taken_ < header_.length) return {};
    if (Failure failure = take_payload(data.substr(0, size))) return failure;
    data.remove_prefix(size);
    if (taken_ < header_.length) return {};
    if (Failure failure = end_frame(events)) return failure;
  }
  return {};
}

Failure Reader::begin_frame() {
  if (Failure failure = header_reader_.check(header_, own_, compression_)) return failure;
  header_reader_.reset();
  in_frame_ = true;
  taken_ = 0;
  if (header_.control()) return {};
  // 5.4
  const bool continues = header_.opcode == Opcode::continuation;
  if (continues && !in_message_) return {1002, "A frame continues a message that was not begun."};
  if (!continues && in_message_) return {1002, "A message begins inside another."};
  if (!continues) {
    in_message_ = true;
    text_ = header_.opcode == Opcode::text;
    utf8_.reset();
    inflater_ = header_.compressed ? std::make_unique<Inflater>() : nullptr;
  }
  // A length that is too large is known before its bytes come.
  if (header_.length > most_bytes_ - (inflater_ ? 0 : message_.size())) return kTooLarge;
  return {};
}

Failure Reader::take_payload(std::string_view piece) {
  if (header_.control()) {
    std::memcpy(control_ + taken_, piece.data(), piece.size());
    if (header_.masked) apply_mask({control_ + taken_, piece.size()}, header_.mask, taken_);
    taken_ += piece.size();
    return {};
  }
  const Failure failure = take_message_piece(piece);
  taken_ += piece.size();
  return failure;
}

Failure Reader::take_message_piece(std::string_view piece) {
  const size_t before = message_.size();
  if (!inflater_) {
    message_.append(piece);
    if (header_.masked) {
      apply_mask({message_.data() + before, piece.size()}, header_.mask, taken_);
    }
    if (text_ && !utf8_.take(std::string_view(message_).substr(before))) return kNotUtf8;
    return {};
  }
  char plain[4096];
  for (size_t at = 0; at < piece.size();) {
    const size_t size = std::min(piece.size() - at, sizeof(plain));
    std::memcpy(plain, piece.data() + at, size);
    if (header_.masked) apply_mask({plain, size}, header_.mask, taken_ + at);
    const size_t start = message_.size();
    if (Failure failure = inflated(inflater_->take({plain, size}, message_, most_bytes_), start)) {
      return failure;
    }
    at += size;
  }
  return {};
}

Failure Reader::inflated(Inflater::Outcome outcome, size_t before) {
  switch (outcome) {
    case Inflater::Outcome::bad_data:
      return {1007, "A compressed message is not DEFLATE."};
    case Inflater::Outcome::too_large:
      return kTooLarge;
    case Inflater::Outcome::ok:
      break;
  }
  if (text_ && !utf8_.take(std::string_view(message_).substr(before))) return kNotUtf8;
  return {};
}

Failure Reader::end_frame(ReaderEvents& events) {
  in_frame_ = false;
  const std::string_view control(control_, static_cast<size_t>(taken_));
  switch (header_.opcode) {
    case Opcode::close:
      return end_close(events);
    case Opcode::ping:
      events.on_ping(control);
      return {};
    case Opcode::pong:
      events.on_pong();
      return {};
    default:
      return header_.fin ? end_message(events) : Failure{};
  }
}

Failure Reader::end_message(ReaderEvents& events) {
  if (inflater_) {
    const size_t before = message_.size();
    if (Failure failure = inflated(inflater_->end(message_, most_bytes_), before)) return failure;
    inflater_.reset();
  }
  if (text_ && !utf8_.complete()) return kNotUtf8;
  in_message_ = false;
  events.on_message(text_, std::exchange(message_, std::string()));
  return {};
}

// 5.5.1 and 7.1.5
Failure Reader::end_close(ReaderEvents& events) {
  uint16_t code = 1005;
  std::string_view reason;
  if (taken_ == 1) return {1002, "A Close frame has half a code."};
  if (taken_ >= 2) {
    code = static_cast<uint16_t>(static_cast<uint8_t>(control_[0]) << 8 |
                                 static_cast<uint8_t>(control_[1]));
    reason = std::string_view(control_ + 2, static_cast<size_t>(taken_) - 2);
    if (!valid_close_code(code)) return {1002, "A Close frame has a code that may not be sent."};
    Utf8Check utf8;
    if (!utf8.take(reason) || !utf8.complete()) {
      return {1007, "The reason of a Close frame is not UTF-8."};
    }
  }
  closed_ = true;
  events.on_close_frame(code, reason);
  return {};
}

}  // namespace skep::net::websocket
