// The decoders of legacy encodings: the first byte picks one, the second where the input is cut. In
// two chunks it means what it means in one; what a fatal decoder takes has no U+FFFD.
#include <algorithm>
#include <array>

#include "api/encoding/legacy.h"

using skep::api::decode_legacy;
using skep::api::LegacyEncoding;
using skep::api::LegacyState;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return -1;
  const auto encoding =
      static_cast<LegacyEncoding>(data[0] % static_cast<unsigned>(LegacyEncoding::count));
  const std::span<const uint8_t> bytes(data + 2, size - 2);
  const size_t cut = std::min<size_t>(data[1], bytes.size());
  std::vector<uint16_t> whole, parts, strict;
  std::array<uint8_t, 5> state{};
  decode_legacy(encoding, bytes, LegacyState(state), true, false, whole);
  state.fill(0);
  decode_legacy(encoding, bytes.first(cut), LegacyState(state), false, false, parts);
  decode_legacy(encoding, bytes.subspan(cut), LegacyState(state), true, false, parts);
  if (whole != parts) __builtin_trap();
  state.fill(0);
  const bool taken = decode_legacy(encoding, bytes, LegacyState(state), true, true, strict);
  const bool clean = std::find(whole.begin(), whole.end(), 0xFFFD) == whole.end();
  if (clean && !taken) __builtin_trap();
  if (taken && strict != whole) __builtin_trap();
  return 0;
}
