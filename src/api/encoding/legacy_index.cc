#include "api/encoding/legacy_index.h"

#include <array>
#include <string_view>

#include "base/assert.h"

// ICU's C interface, as far as it is used here. Its headers are not installed with V8; the version
// is part of the names, so another one does not link.
extern "C" {
struct UConverter;
UConverter* ucnv_open_78(const char* name, int* error);
void ucnv_close_78(UConverter* converter);
int32_t ucnv_toUChars_78(UConverter* converter, char16_t* out, int32_t capacity, const char* bytes,
                         int32_t length, int* error);
}

namespace skep::api {
namespace {

constexpr uint16_t kReplacement = 0xFFFD;

class Converter {
 public:
  explicit Converter(const char* name) {
    int error = 0;
    converter_ = ucnv_open_78(name, &error);
    SKEP_ASSERT(converter_ != nullptr && error <= 0);  // the data is in the binary
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() { ucnv_close_78(converter_); }

  // Units written; what does not fit in `out` is left out.
  size_t convert(std::span<const uint8_t> bytes, std::span<char16_t> out) {
    int error = 0;
    const int32_t length = ucnv_toUChars_78(
        converter_, out.data(), static_cast<int32_t>(out.size()),
        reinterpret_cast<const char*>(bytes.data()), static_cast<int32_t>(bytes.size()), &error);
    return error > 0 ? 0 : static_cast<size_t>(length);
  }

  // The one code point that the bytes stand for, else 0.
  uint32_t code_point(std::span<const uint8_t> bytes) {
    std::array<char16_t, 8> units;
    const size_t length = convert(bytes, units);
    if (length == 1 && units[0] != kReplacement && (units[0] & 0xF800) != 0xD800) return units[0];
    if (length == 2 && (units[0] & 0xFC00) == 0xD800) {
      return 0x10000 + ((units[0] & 0x3FFU) << 10) + (units[1] & 0x3FFU);
    }
    return 0;
  }

 private:
  UConverter* converter_;
};

uint8_t byte(uint32_t value) {
  return static_cast<uint8_t>(value);
}

// ICU's name of a single-byte encoding: those that end in -html are the standard's.
constexpr std::array<const char*, static_cast<size_t>(LegacyEncoding::x_user_defined)>
    kSingleByteNames = {
        "ibm866-html",       "iso-8859-2-html",   "iso-8859-3-html",    "iso-8859-4-html",
        "iso-8859-5-html",   "iso-8859-6-html",   "iso-8859-7-html",    "iso-8859-8-html",
        "iso-8859-8-html",   "iso-8859-10-html",  "iso-8859-13-html",   "iso-8859-14-html",
        "iso-8859-15-html",  "iso-8859-16-html",  "koi8-r-html",        "koi8-u-html",
        "macintosh-html",    "windows-874-html",  "windows-1250-html",  "windows-1251-html",
        "windows-1253-html", "windows-1254-html", "windows-1255-html",  "windows-1256-html",
        "windows-1257-html", "windows-1258-html", "x-mac-cyrillic-html"};

}  // namespace

const LegacyIndex& jis0208_index() {
  static const LegacyIndex index = [] {
    // By way of Shift_JIS, which reaches all of its rows. Rows for characters of the user
    // (8836 to 10715) are the decoder's.
    constexpr uint32_t kSize = 11280;
    LegacyIndex list(kSize);
    Converter converter("shift_jis-html");
    for (uint32_t pointer = 0; pointer < kSize; ++pointer) {
      if (pointer >= 8836 && pointer <= 10715) continue;
      const uint32_t lead = pointer / 188, trail = pointer % 188;
      const std::array<uint8_t, 2> bytes = {byte(lead + (lead < 0x1F ? 0x81 : 0xC1)),
                                            byte(trail + (trail < 0x3F ? 0x40 : 0x41))};
      list[pointer] = static_cast<uint16_t>(converter.code_point(bytes));
    }
    return list;
  }();
  return index;
}

const LegacyIndex& jis0212_index() {
  static const LegacyIndex index = [] {
    constexpr uint32_t kRow = 94;
    LegacyIndex list(kRow * kRow);
    Converter converter("euc-jp-html");
    for (uint32_t pointer = 0; pointer < list.size(); ++pointer) {
      const std::array<uint8_t, 3> bytes = {0x8F, byte(pointer / kRow + 0xA1),
                                            byte(pointer % kRow + 0xA1)};
      list[pointer] = static_cast<uint16_t>(converter.code_point(bytes));
    }
    return list;
  }();
  return index;
}

const LegacyIndex& euc_kr_index() {
  static const LegacyIndex index = [] {
    constexpr uint32_t kRow = 190;
    LegacyIndex list(kRow * 126);
    Converter converter("euc-kr-html");
    for (uint32_t pointer = 0; pointer < list.size(); ++pointer) {
      const std::array<uint8_t, 2> bytes = {byte(pointer / kRow + 0x81),
                                            byte(pointer % kRow + 0x41)};
      if (bytes[1] == 0xFF) continue;
      list[pointer] = static_cast<uint16_t>(converter.code_point(bytes));
    }
    return list;
  }();
  return index;
}

const LegacyIndex& gb18030_index() {
  static const LegacyIndex index = [] {
    constexpr uint32_t kRow = 190;
    LegacyIndex list(kRow * 126);
    Converter converter("gb18030");
    for (uint32_t pointer = 0; pointer < list.size(); ++pointer) {
      const uint32_t trail = pointer % kRow;
      const std::array<uint8_t, 2> bytes = {byte(pointer / kRow + 0x81),
                                            byte(trail + (trail < 0x3F ? 0x40 : 0x41))};
      list[pointer] = static_cast<uint16_t>(converter.code_point(bytes));
    }
    // What the standard's index has of GB 18030-2022 and ICU's converter has not.
    static constexpr std::array<std::array<uint16_t, 2>, 18> k2022 = {{{7182, 0xFE10},
                                                                       {7183, 0xFE12},
                                                                       {7184, 0xFE11},
                                                                       {7185, 0xFE13},
                                                                       {7186, 0xFE14},
                                                                       {7187, 0xFE15},
                                                                       {7188, 0xFE16},
                                                                       {7201, 0xFE17},
                                                                       {7202, 0xFE18},
                                                                       {7208, 0xFE19},
                                                                       {23775, 0x9FB4},
                                                                       {23783, 0x9FB5},
                                                                       {23788, 0x9FB6},
                                                                       {23789, 0x9FB7},
                                                                       {23795, 0x9FB8},
                                                                       {23812, 0x9FB9},
                                                                       {23829, 0x9FBA},
                                                                       {23845, 0x9FBB}}};
    for (const auto& [pointer, value] : k2022) list[pointer] = value;
    return list;
  }();
  return index;
}

const std::vector<uint32_t>& big5_index() {
  static const std::vector<uint32_t> index = [] {
    constexpr uint32_t kRow = 157;
    std::vector<uint32_t> list(kRow * 126);
    Converter converter("big5-html");
    for (uint32_t pointer = 0; pointer < list.size(); ++pointer) {
      const uint32_t trail = pointer % kRow;
      const std::array<uint8_t, 2> bytes = {byte(pointer / kRow + 0x81),
                                            byte(trail + (trail < 0x3F ? 0x40 : 0x62))};
      list[pointer] = converter.code_point(bytes);
    }
    return list;
  }();
  return index;
}

uint32_t gb18030_ranges_code_point(uint32_t pointer) {
  constexpr uint32_t kLastBelow = 39419, kFirstAbove = 189000, kLast = 1237575;
  if (pointer >= kFirstAbove && pointer <= kLast) return pointer - kFirstAbove + 0x10000;
  if (pointer > kLastBelow) return 0;
  if (pointer == 7457) return 0xE7C7;
  static const LegacyIndex index = [] {
    LegacyIndex list(kLastBelow + 1);
    Converter converter("gb18030");
    for (uint32_t i = 0; i < list.size(); ++i) {
      const std::array<uint8_t, 4> bytes = {byte(i / 12600 + 0x81), byte(i / 1260 % 10 + 0x30),
                                            byte(i / 10 % 126 + 0x81), byte(i % 10 + 0x30)};
      list[i] = static_cast<uint16_t>(converter.code_point(bytes));
    }
    return list;
  }();
  return index[pointer];
}

void decode_single_byte(LegacyEncoding encoding, std::span<const uint8_t> bytes,
                        std::vector<uint16_t>& out) {
  if (encoding == LegacyEncoding::x_user_defined) {
    for (const uint8_t b : bytes)
      out.push_back(b < 0x80 ? b : static_cast<uint16_t>(0xF780 + b - 0x80));
    return;
  }
  std::array<uint8_t, 128> upper;
  std::array<char16_t, 128> table;
  for (size_t i = 0; i < upper.size(); ++i) upper[i] = byte(static_cast<uint32_t>(i + 0x80));
  Converter converter(kSingleByteNames[static_cast<size_t>(encoding)]);
  const size_t length = converter.convert(upper, table);
  SKEP_ASSERT(length == table.size());
  for (const uint8_t b : bytes)
    out.push_back(b < 0x80 ? b : static_cast<uint16_t>(table[b - 0x80U]));
}

}  // namespace skep::api
