#include "net/websocket/utf8.h"

#include <cstring>

namespace skep::net::websocket {

bool Utf8Check::take(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    if (left_ == 0) {
      // Most text is ASCII.
      while (end - at >= 8) {
        uint64_t word;
        std::memcpy(&word, at, 8);
        if ((word & 0x8080808080808080ull) != 0) break;
        at += 8;
      }
      if (at == end) return true;
    }
    const auto byte = static_cast<uint8_t>(*at++);
    if (left_ != 0) {
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      left_--;
      continue;
    }
    if (byte < 0x80) continue;
    // The second byte's range keeps out overlong forms, surrogates and what lies above U+10FFFF.
    low_ = 0x80;
    high_ = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
      left_ = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
      left_ = 2;
      if (byte == 0xe0) low_ = 0xa0;
      if (byte == 0xed) high_ = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      left_ = 3;
      if (byte == 0xf0) low_ = 0x90;
      if (byte == 0xf4) high_ = 0x8f;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace skep::net::websocket
