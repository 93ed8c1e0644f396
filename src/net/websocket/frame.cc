#include "net/websocket/frame.h"

#include <cstring>

namespace skep::net::websocket {

size_t HeaderReader::wanted() const {
  if (have_ < 2) return 2;
  const uint8_t length = bytes_[1] & 0x7f;
  size_t size = 2;
  if (length == 126) size += 2;
  if (length == 127) size += 8;
  if ((bytes_[1] & 0x80) != 0) size += 4;
  return size;
}

bool HeaderReader::take(std::string_view& data, FrameHeader& header) {
  while (have_ < wanted()) {
    if (data.empty()) return false;
    bytes_[have_++] = static_cast<uint8_t>(data.front());
    data.remove_prefix(1);
  }
  header.fin = (bytes_[0] & 0x80) != 0;
  header.compressed = (bytes_[0] & 0x40) != 0;
  header.opcode = static_cast<Opcode>(bytes_[0] & 0x0f);
  header.masked = (bytes_[1] & 0x80) != 0;
  header.length = bytes_[1] & 0x7f;
  size_t at = 2;
  const size_t extended = header.length == 126 ? 2 : header.length == 127 ? 8 : 0;
  if (extended != 0) {
    header.length = 0;
    for (size_t i = 0; i < extended; i++) header.length = header.length << 8 | bytes_[at++];
  }
  if (header.masked) std::memcpy(header.mask, bytes_ + at, 4);
  return true;
}

Failure HeaderReader::check(const FrameHeader& header, Role own, bool compression) const {
  // 5.2: a reserved bit that no extension gives a meaning. RSV1 marks a message's first frame.
  if ((bytes_[0] & 0x30) != 0 || (header.compressed && !compression)) {
    return {1002, "Reserved bits of a frame are set."};
  }
  switch (header.opcode) {
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary:
      break;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      // 5.5
      if (!header.fin) return {1002, "A control frame is fragmented."};
      if (header.length > kControlBytes) return {1002, "A control frame is longer than 125 bytes."};
      break;
    default:
      return {1002, "A frame has an unknown opcode."};
  }
  if (header.compressed && (header.control() || header.opcode == Opcode::continuation)) {
    return {1002, "The compression bit stands on a frame that does not begin a message."};
  }
  // 5.1
  if (own == Role::server && !header.masked) return {1002, "A frame of the client is not masked."};
  if (own == Role::client && header.masked) return {1002, "A frame of the server is masked."};
  // 5.2: the length has the fewest bytes that do, and its highest bit is 0.
  const uint8_t form = bytes_[1] & 0x7f;
  if ((form == 126 && header.length < 126) || (form == 127 && header.length <= 0xffff) ||
      header.length >> 63 != 0) {
    return {1002, "The length of a frame is not coded as it must be."};
  }
  return {};
}

void append_header(std::string& out, Opcode opcode, bool fin, bool compressed, uint64_t length,
                   const uint8_t* mask) {
  char bytes[kHeaderBytes];
  size_t size = 2;
  bytes[0] =
      static_cast<char>((fin ? 0x80 : 0) | (compressed ? 0x40 : 0) | static_cast<uint8_t>(opcode));
  uint8_t form = static_cast<uint8_t>(length);
  size_t extended = 0;
  if (length > 0xffff) {
    form = 127;
    extended = 8;
  } else if (length > 125) {
    form = 126;
    extended = 2;
  }
  bytes[1] = static_cast<char>(form | (mask != nullptr ? 0x80 : 0));
  for (size_t i = extended; i > 0; i--) bytes[size++] = static_cast<char>(length >> (8 * (i - 1)));
  if (mask != nullptr) {
    std::memcpy(bytes + size, mask, 4);
    size += 4;
  }
  out.append(bytes, size);
}

void apply_mask(std::span<char> bytes, const uint8_t (&mask)[4], uint64_t phase) {
  uint8_t turned[8];
  for (size_t i = 0; i < 8; i++) turned[i] = mask[(phase + i) & 3];
  uint64_t word_mask;
  std::memcpy(&word_mask, turned, 8);
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    word ^= word_mask;
    std::memcpy(bytes.data() + i, &word, 8);
  }
  for (; i < bytes.size(); i++) bytes[i] = static_cast<char>(bytes[i] ^ turned[i & 7]);
}

bool valid_close_code(uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace skep::net::websocket
