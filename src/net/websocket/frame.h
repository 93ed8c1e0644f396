// Frames of RFC 6455, section 5, with the bit of RFC 7692: reading headers as bytes come, writing
// them, the rules that need no more than one header. Used by the message reader and the session.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace skep::net::websocket {

enum class Role : uint8_t { server, client };

enum class Opcode : uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

inline constexpr size_t kControlBytes = 125;  // of a control frame's payload (5.5)
inline constexpr size_t kHeaderBytes = 14;    // at most

struct FrameHeader {
  bool fin = false;
  bool compressed = false;  // RSV1
  Opcode opcode = Opcode::continuation;
  bool masked = false;
  uint8_t mask[4] = {};
  uint64_t length = 0;
  bool control() const { return static_cast<uint8_t>(opcode) >= 8; }
};

// Why a connection fails (7.1.7): the code of the Close frame and a text for the log. No code: all
// is well.
struct Failure {
  uint16_t code = 0;
  std::string_view why;
  explicit operator bool() const { return code != 0; }
};

// Collects one frame's header.
class HeaderReader {
 public:
  // Takes bytes off the front of `data`. True: `header` is complete.
  bool take(std::string_view& data, FrameHeader& header);
  void reset() { have_ = 0; }
  // What is wrong with the header, of those rules that it breaks by itself; asked after take.
  Failure check(const FrameHeader& header, Role own, bool compression) const;

 private:
  size_t wanted() const;
  uint8_t bytes_[kHeaderBytes] = {};
  uint8_t have_ = 0;
};

// Puts a header in front of a payload. mask: null for a server's frames.
void append_header(std::string& out, Opcode opcode, bool fin, bool compressed, uint64_t length,
                   const uint8_t* mask);
// XORs `bytes` with the mask, of which `phase` bytes were used before.
void apply_mask(std::span<char> bytes, const uint8_t (&mask)[4], uint64_t phase);

// Whether a Close frame may carry the code (7.4, and IANA's registry).
bool valid_close_code(uint16_t code);

}  // namespace skep::net::websocket
