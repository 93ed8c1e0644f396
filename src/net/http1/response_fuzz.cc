// The client's half, fed with arbitrary bytes: byte 0 chooses how they are cut, and the cut must
// not change what is read.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "net/http1/response_parser.h"

namespace skep::net::http1 {
namespace {

struct Outcome {
  size_t used = 0;
  int status = 0;
  bool done = false;
  bool failed = false;
  bool keep_alive = false;
  std::string text;  // headers and body

  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, size_t piece_bytes, bool to_head) {
  ResponseParser parser;
  parser.reset(to_head);
  Outcome outcome;
  std::string body;
  parser.set_body_sink(&body);
  while (outcome.used < bytes.size() && !parser.done() && !parser.failed()) {
    const std::string piece(bytes.substr(outcome.used, piece_bytes));
    outcome.used += parser.feed(piece);
  }
  parser.feed_end();
  SKEP_ASSERT(parser.done() != parser.failed());
  outcome.done = parser.done();
  outcome.failed = parser.failed();
  if (outcome.failed) return {.failed = true};
  outcome.status = parser.status();
  outcome.keep_alive = parser.keep_alive();
  for (const Header& header : parser.headers())
    outcome.text.append(header.name).append(":").append(header.value).append("\n");
  SKEP_ASSERT(body.size() == parser.body_bytes());
  outcome.text.append(body);
  return outcome;
}

}  // namespace
}  // namespace skep::net::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using skep::net::http1::read;
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool to_head = (data[0] & 1) != 0;
  SKEP_ASSERT(read(bytes, bytes.size(), to_head) == read(bytes, 1 + data[0] / 2, to_head));
  return 0;
}
