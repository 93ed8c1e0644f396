// UTF-8 checked as it comes, byte for byte across pieces (RFC 3629; RFC 6455, 8.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace skep::net::websocket {

class Utf8Check {
 public:
  // False: these bytes, after those before, are no UTF-8.
  bool take(std::string_view bytes);
  // Whether the text may end here.
  bool complete() const { return left_ == 0; }
  void reset() { left_ = 0; }

 private:
  uint8_t left_ = 0;  // continuation bytes of the character under way
  uint8_t low_ = 0;   // what the next of them may be
  uint8_t high_ = 0;
};

}  // namespace skep::net::websocket
