#include "api/encoding/legacy.h"

#include <algorithm>
#include <array>

#include "api/encoding/legacy_index.h"

namespace skep::api {
namespace {

constexpr uint16_t kReplacement = 0xFFFD;
constexpr size_t kMostPending = 3;

bool within(uint32_t value, uint32_t low, uint32_t high) {
  return value >= low && value <= high;
}

template <typename Index>
uint32_t at(const Index& index, uint32_t pointer) {
  return pointer < index.size() ? index[pointer] : 0;
}

class Output {
 public:
  Output(std::vector<uint16_t>& units, bool fatal) : units_(units), fatal_(fatal) {}

  void put(uint32_t code_point) {
    if (code_point < 0x10000) {
      units_.push_back(static_cast<uint16_t>(code_point));
      return;
    }
    units_.push_back(static_cast<uint16_t>(0xD7C0 + (code_point >> 10)));
    units_.push_back(static_cast<uint16_t>(0xDC00 + (code_point & 0x3FF)));
  }
  void error() {
    failed_ = failed_ || fatal_;
    units_.push_back(kReplacement);
  }
  bool failed() const { return failed_; }

 private:
  std::vector<uint16_t>& units_;
  bool fatal_;
  bool failed_ = false;
};

// What one step of a decoder made of the bytes that it was shown: how many it took. More: they
// begin a character, and its end was not there. "Prepending" a byte to the stream is not taking it.
constexpr size_t kMore = 0;

// A code point for a character of two bytes, or an error; a second byte that is ASCII is not part
// of the malformed character.
size_t two_bytes(uint32_t code_point, uint8_t second, Output& out) {
  if (code_point != 0) {
    out.put(code_point);
    return 2;
  }
  out.error();
  return second < 0x80 ? 1 : 2;
}

// 10.2.1: the gb18030 decoder, which is the GBK decoder too.
size_t step_gb18030(std::span<const uint8_t> in, Output& out) {
  const uint8_t first = in[0];
  if (first == 0x80) {
    out.put(0x20AC);
    return 1;
  }
  if (!within(first, 0x81, 0xFE)) {
    out.error();
    return 1;
  }
  if (in.size() < 2) return kMore;
  const uint8_t second = in[1];
  if (!within(second, 0x30, 0x39)) {
    if (!within(second, 0x40, 0x7E) && !within(second, 0x80, 0xFE)) {
      return two_bytes(0, second, out);
    }
    const uint32_t pointer = (first - 0x81U) * 190 + second - (second < 0x7F ? 0x40U : 0x41U);
    return two_bytes(at(gb18030_index(), pointer), second, out);
  }
  if (in.size() < 3) return kMore;
  if (!within(in[2], 0x81, 0xFE)) {
    out.error();
    return 1;
  }
  if (in.size() < 4) return kMore;
  if (!within(in[3], 0x30, 0x39)) {
    out.error();
    return 1;
  }
  const uint32_t pointer =
      (first - 0x81U) * 12600 + (second - 0x30U) * 1260 + (in[2] - 0x81U) * 10 + in[3] - 0x30U;
  const uint32_t code_point = gb18030_ranges_code_point(pointer);
  code_point != 0 ? out.put(code_point) : out.error();
  return 4;
}

// 12.1.1: the Big5 decoder.
size_t step_big5(std::span<const uint8_t> in, Output& out) {
  if (!within(in[0], 0x81, 0xFE)) {
    out.error();
    return 1;
  }
  if (in.size() < 2) return kMore;
  const uint8_t second = in[1];
  if (!within(second, 0x40, 0x7E) && !within(second, 0xA1, 0xFE)) return two_bytes(0, second, out);
  const uint32_t pointer = (in[0] - 0x81U) * 157 + second - (second < 0x7F ? 0x40U : 0x62U);
  // The four that are two code points.
  if (pointer == 1133 || pointer == 1135 || pointer == 1164 || pointer == 1166) {
    out.put(pointer < 1164 ? 0xCA : 0xEA);
    out.put(pointer == 1133 || pointer == 1164 ? 0x304 : 0x30C);
    return 2;
  }
  return two_bytes(at(big5_index(), pointer), second, out);
}

// 13.1.1: the EUC-JP decoder.
size_t step_euc_jp(std::span<const uint8_t> in, Output& out) {
  const uint8_t lead = in[0];
  if (lead != 0x8E && lead != 0x8F && !within(lead, 0xA1, 0xFE)) {
    out.error();
    return 1;
  }
  if (in.size() < 2) return kMore;
  const uint8_t second = in[1];
  if (lead == 0x8E && within(second, 0xA1, 0xDF)) {
    out.put(0xFF61 - 0xA1 + second);
    return 2;
  }
  if (lead == 0x8F && within(second, 0xA1, 0xFE)) {
    if (in.size() < 3) return kMore;
    const uint8_t third = in[2];
    const uint32_t pointer = (second - 0xA1U) * 94 + third - 0xA1U;
    const uint32_t code_point = within(third, 0xA1, 0xFE) ? at(jis0212_index(), pointer) : 0;
    return 1 + two_bytes(code_point, third, out);
  }
  const bool both = within(lead, 0xA1, 0xFE) && within(second, 0xA1, 0xFE);
  const uint32_t pointer = (lead - 0xA1U) * 94 + second - 0xA1U;
  return two_bytes(both ? at(jis0208_index(), pointer) : 0, second, out);
}

// 13.3.1: the Shift_JIS decoder.
size_t step_shift_jis(std::span<const uint8_t> in, Output& out) {
  const uint8_t lead = in[0];
  if (lead == 0x80 || within(lead, 0xA1, 0xDF)) {
    out.put(lead == 0x80 ? 0x80 : 0xFF61U - 0xA1 + lead);
    return 1;
  }
  if (!within(lead, 0x81, 0x9F) && !within(lead, 0xE0, 0xFC)) {
    out.error();
    return 1;
  }
  if (in.size() < 2) return kMore;
  const uint8_t second = in[1];
  if (!within(second, 0x40, 0x7E) && !within(second, 0x80, 0xFC)) return two_bytes(0, second, out);
  const uint32_t pointer =
      (lead - (lead < 0xA0 ? 0x81U : 0xC1U)) * 188 + second - (second < 0x7F ? 0x40U : 0x41U);
  if (within(pointer, 8836, 10715)) return two_bytes(0xE000 - 8836 + pointer, second, out);
  return two_bytes(at(jis0208_index(), pointer), second, out);
}

// 14.1.1: the EUC-KR decoder.
size_t step_euc_kr(std::span<const uint8_t> in, Output& out) {
  if (!within(in[0], 0x81, 0xFE)) {
    out.error();
    return 1;
  }
  if (in.size() < 2) return kMore;
  const bool fits = within(in[1], 0x41, 0xFE);
  const uint32_t pointer = (in[0] - 0x81U) * 190 + in[1] - 0x41U;
  return two_bytes(fits ? at(euc_kr_index(), pointer) : 0, in[1], out);
}

size_t step(LegacyEncoding encoding, std::span<const uint8_t> in, Output& out) {
  switch (encoding) {
    case LegacyEncoding::gbk:
    case LegacyEncoding::gb18030:
      return step_gb18030(in, out);
    case LegacyEncoding::big5:
      return step_big5(in, out);
    case LegacyEncoding::euc_jp:
      return step_euc_jp(in, out);
    case LegacyEncoding::shift_jis:
      return step_shift_jis(in, out);
    default:
      return step_euc_kr(in, out);
  }
}

// All but iso-2022-jp: their characters do not depend on what came before.
void decode_multi_byte(LegacyEncoding encoding, std::span<const uint8_t> in, bool last, Output& out,
                       size_t& taken) {
  taken = 0;
  while (taken < in.size() && !out.failed()) {
    if (in[taken] < 0x80) {
      out.put(in[taken++]);
      continue;
    }
    const size_t length = step(encoding, in.subspan(taken), out);
    if (length != kMore) {
      taken += length;
      continue;
    }
    if (!last) return;
    out.error();  // "If byte is end-of-queue and lead is not 0x00"
    taken = in.size();
  }
}

// 13.2.1: the ISO-2022-JP decoder. The state's bytes are its variables.
class Iso2022Jp {
 public:
  enum State : uint8_t { ascii, roman, katakana, lead_byte, trail_byte, escape_start, escape };

  Iso2022Jp(LegacyState state, Output& out)
      : state_(state[0]), output_state_(state[1]), lead_(state[2]), flag_(state[3]), out_(out) {}

  void run(std::span<const uint8_t> in, bool last) {
    for (const uint8_t b : in) {
      if (out_.failed()) return;
      take(b);
    }
    if (last && !out_.failed()) take(kEnd);
  }

 private:
  static constexpr int kEnd = -1;

  // One byte, and those that it puts back. A byte is put back into a state that takes it, so this
  // ends.
  void take(int b) {
    std::array<int, 3> queue = {b, 0, 0};
    size_t count = 1;
    while (count > 0) {
      const int next = queue[--count];
      const uint8_t lead = lead_;
      const Put put = one(next);
      if (put != Put::nothing) queue[count++] = next;
      if (put == Put::lead_and_byte) queue[count++] = lead;
    }
  }

  enum class Put { nothing, byte, lead_and_byte };

  Put one(int b) {
    switch (state_) {
      case ascii:
      case roman:
      case katakana:
        return single(b);
      case lead_byte:
        return lead(b);
      case trail_byte:
        return trail(b);
      case escape_start:
        return start_escape(b);
      default:
        return end_escape(b);
    }
  }

  Put single(int b) {
    if (b == kEnd) return Put::nothing;
    if (b == 0x1B) {
      state_ = escape_start;
      return Put::nothing;
    }
    flag_ = 0;
    const auto c = static_cast<uint32_t>(b);
    if (state_ == katakana) {
      within(c, 0x21, 0x5F) ? out_.put(0xFF61 - 0x21 + c) : out_.error();
    } else if (c > 0x7F || c == 0x0E || c == 0x0F) {
      out_.error();
    } else if (state_ == roman && (c == 0x5C || c == 0x7E)) {
      out_.put(c == 0x5C ? 0xA5 : 0x203E);
    } else {
      out_.put(c);
    }
    return Put::nothing;
  }

  Put lead(int b) {
    if (b == kEnd) return Put::nothing;
    if (b == 0x1B) {
      state_ = escape_start;
      return Put::nothing;
    }
    flag_ = 0;
    if (b >= 0x21 && b <= 0x7E) {
      lead_ = static_cast<uint8_t>(b);
      state_ = trail_byte;
    } else {
      out_.error();
    }
    return Put::nothing;
  }

  Put trail(int b) {
    if (b == 0x1B) {
      state_ = escape_start;
      out_.error();
      return Put::nothing;
    }
    state_ = lead_byte;
    uint32_t code_point = 0;
    if (b >= 0x21 && b <= 0x7E) {
      code_point = at(jis0208_index(), (lead_ - 0x21U) * 94 + static_cast<uint32_t>(b) - 0x21U);
    }
    code_point != 0 ? out_.put(code_point) : out_.error();
    return b == kEnd ? Put::byte : Put::nothing;
  }

  Put start_escape(int b) {
    if (b == 0x24 || b == 0x28) {
      lead_ = static_cast<uint8_t>(b);
      state_ = escape;
      return Put::nothing;
    }
    flag_ = 0;
    state_ = output_state_;
    out_.error();
    return Put::byte;
  }

  Put end_escape(int b) {
    int next = -1;
    if (lead_ == 0x28 && b == 0x42) next = ascii;
    if (lead_ == 0x28 && b == 0x4A) next = roman;
    if (lead_ == 0x28 && b == 0x49) next = katakana;
    if (lead_ == 0x24 && (b == 0x40 || b == 0x42)) next = lead_byte;
    lead_ = 0;
    if (next >= 0) {
      state_ = output_state_ = static_cast<uint8_t>(next);
      if (flag_ != 0) out_.error();
      flag_ = 1;
      return Put::nothing;
    }
    flag_ = 0;
    state_ = output_state_;
    out_.error();
    return Put::lead_and_byte;
  }

  uint8_t& state_;
  uint8_t& output_state_;
  uint8_t& lead_;
  uint8_t& flag_;  // the standard's "output flag"
  Output& out_;
};

}  // namespace

bool decode_legacy(LegacyEncoding encoding, std::span<const uint8_t> bytes, LegacyState state,
                   bool last, bool fatal, std::vector<uint16_t>& out) {
  out.reserve(out.size() + bytes.size() + kMostPending);
  Output output(out, fatal);
  if (encoding <= LegacyEncoding::x_user_defined) {
    const size_t begin = out.size();
    decode_single_byte(encoding, bytes, out);
    return !fatal || std::find(out.begin() + static_cast<ptrdiff_t>(begin), out.end(),
                               kReplacement) == out.end();
  }
  if (encoding == LegacyEncoding::iso_2022_jp) {
    Iso2022Jp(state, output).run(bytes, last);
    return !output.failed();
  }
  std::vector<uint8_t> joined;
  const size_t held = std::min<size_t>(state[0], kMostPending);
  if (held > 0) {
    joined.reserve(held + bytes.size());
    joined.assign(state.begin() + 1, state.begin() + 1 + static_cast<ptrdiff_t>(held));
    joined.insert(joined.end(), bytes.begin(), bytes.end());
    bytes = joined;
  }
  size_t taken = 0;
  decode_multi_byte(encoding, bytes, last, output, taken);
  if (output.failed()) return false;
  const std::span<const uint8_t> rest = bytes.subspan(taken);
  state[0] = static_cast<uint8_t>(rest.size());
  std::copy(rest.begin(), rest.end(), state.begin() + 1);
  return true;
}

}  // namespace skep::api
