// The indexes of the Encoding Standard (section 5): code points by pointer, 0 where there is none.
// Each is built when it is first asked for and stays for the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "api/encoding/legacy.h"

namespace skep::api {

using LegacyIndex = std::vector<uint16_t>;

const LegacyIndex& jis0208_index();
const LegacyIndex& jis0212_index();
const LegacyIndex& euc_kr_index();
const LegacyIndex& gb18030_index();
const std::vector<uint32_t>& big5_index();  // it has code points above U+FFFF

// "index gb18030 ranges code point"; 0: null.
uint32_t gb18030_ranges_code_point(uint32_t pointer);

// Appends the bytes of a single-byte encoding as UTF-16; what stands for nothing becomes U+FFFD.
void decode_single_byte(LegacyEncoding encoding, std::span<const uint8_t> bytes,
                        std::vector<uint16_t>& out);

}  // namespace skep::api
