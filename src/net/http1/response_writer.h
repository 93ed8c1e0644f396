// The bytes of a response's head. Checks what the application gave (names, values, status), drops
// the headers that are the server's own, adds those. Pure; runs in the shard.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http.h"

namespace skep::net::http1 {

enum class BodyFraming : uint8_t {
  none,    // no body can follow (1xx, 204, 304 without a length)
  length,  // Content-Length
  chunked,
  until_close,  // HTTP/1.0
};

enum class ConnectionOption : uint8_t { unsaid, close, keep_alive, upgrade };

struct ResponseFraming {
  BodyFraming body = BodyFraming::none;
  uint64_t length = 0;
  ConnectionOption connection = ConnectionOption::unsaid;
};

// Appends the head to `out`. False, with `out` as it was: the head would break the protocol.
bool append_response_head(std::string& out, const ResponseHead& head,
                          const ResponseFraming& framing, std::string_view date_line);

// Appends "SIZE\r\n" of a chunk. size > 0.
void append_chunk_size(std::string& out, size_t size);

}  // namespace skep::net::http1
