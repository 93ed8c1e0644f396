// Decoders of the Encoding Standard's legacy encodings, for TextDecoder and what reads as text. Its
// indexes are taken from the converters of the ICU in V8, which hold the standard's tables; those
// of several bytes a character are built once a process, when one is first needed. Runs in the
// shard; the bytes are a stranger's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace skep::api {

// In the order of legacy_labels.part.js. The encodings of one byte come first.
enum class LegacyEncoding : uint8_t {
  ibm866,
  iso_8859_2,
  iso_8859_3,
  iso_8859_4,
  iso_8859_5,
  iso_8859_6,
  iso_8859_7,
  iso_8859_8,
  iso_8859_8_i,
  iso_8859_10,
  iso_8859_13,
  iso_8859_14,
  iso_8859_15,
  iso_8859_16,
  koi8_r,
  koi8_u,
  macintosh,
  windows_874,
  windows_1250,
  windows_1251,
  windows_1253,
  windows_1254,
  windows_1255,
  windows_1256,
  windows_1257,
  windows_1258,
  x_mac_cyrillic,
  x_user_defined,
  gbk,
  gb18030,
  big5,
  euc_jp,
  iso_2022_jp,
  shift_jis,
  euc_kr,
  count,
};

// What one chunk leaves for the next: bytes of a character that is not complete; for iso-2022-jp
// the decoder's state. All zero at the start.
using LegacyState = std::span<uint8_t, 5>;

// Appends UTF-16 to `out`. last: nothing follows, so an incomplete character is malformed. False
// where something is malformed and `fatal`; else it becomes U+FFFD.
bool decode_legacy(LegacyEncoding encoding, std::span<const uint8_t> bytes, LegacyState state,
                   bool last, bool fatal, std::vector<uint16_t>& out);

}  // namespace skep::api
