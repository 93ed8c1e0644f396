// Buffer's encodings: what is encoded decodes to itself; any text decodes within its bounds, and
// what comes out encodes to text that decodes to the same.
#include <algorithm>
#include <vector>

#include "api/node/encodings.h"

using namespace skep::api;

namespace {

void check_text(std::string_view text) {
  std::vector<uint8_t> out(base64_bytes(text.size()));
  const size_t made = decode_base64(text, out);
  if (made > text.size() * 3 / 4 + 1) __builtin_trap();
  const std::string again = encode_base64(std::span(out).first(made), true);
  std::vector<uint8_t> other(base64_bytes(again.size()));
  const size_t same = decode_base64(again, other);
  if (same != made ||
      !std::equal(out.begin(), out.begin() + static_cast<ptrdiff_t>(made), other.begin()))
    __builtin_trap();
  std::vector<uint8_t> bytes(text.size() / 2);
  if (decode_hex(text, bytes) > bytes.size()) __builtin_trap();
}

void check_bytes(std::span<const uint8_t> bytes) {
  for (const bool url : {false, true}) {
    const std::string text = encode_base64(bytes, url);
    std::vector<uint8_t> out(base64_bytes(text.size()));
    const size_t made = decode_base64(text, out);
    if (made != bytes.size() || !std::equal(bytes.begin(), bytes.end(), out.begin()))
      __builtin_trap();
  }
  std::vector<uint8_t> out(bytes.size());
  if (decode_hex(encode_hex(bytes), out) != bytes.size() ||
      !std::equal(bytes.begin(), bytes.end(), out.begin())) {
    __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  check_text({reinterpret_cast<const char*>(data), size});
  check_bytes({data, size});
  is_utf8({data, size});
  return 0;
}
