#include "isolate/wasm_scan.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace skep::isolate {
namespace {

std::string module_of(const std::string& sections) {
  return std::string("\0asm\1\0\0\0", 8) + sections;
}
std::string section(char id, const std::string& content) {
  return std::string(1, id) + static_cast<char>(content.size()) + content;
}
using namespace std::string_literals;

TEST(WasmScan, finds_memories_and_their_exports) {
  // (import "m" "i" (memory 1)) (memory 2 5) (memory 3) (export "a" (memory 1)) (export "f" (func
  // 0))
  const WasmScan scan =
      scan_wasm(module_of(section(2, "\1\1m\1i\2\0\1"s) + section(5, "\2\1\2\5\0\3"s) +
                          section(7, "\2\1a\2\1\1f\0\0"s)));
  ASSERT_EQ(scan.memories.size(), 2u);
  EXPECT_EQ(scan.memories[0].least_pages, 2u);
  EXPECT_EQ(scan.memories[0].most_pages, 5u);
  EXPECT_EQ(scan.memories[0].export_name, "a");
  EXPECT_EQ(scan.memories[1].least_pages, 3u);
  EXPECT_EQ(scan.memories[1].most_pages, 0u);
  EXPECT_EQ(scan.memories[1].export_name, "");
  EXPECT_EQ(scan.refused, "");
}

TEST(WasmScan, refuses_shared_memories) {
  EXPECT_NE(scan_wasm(module_of(section(5, "\1\3\1\2"s))).refused, "");
  // Behind an imported function, a table, a global and a tag.
  EXPECT_NE(scan_wasm(module_of(section(2,
                                        "\5\1m\1f\0\0\1m\1t\1\x70\1\1\2\1m\1g\3\x7f\0\1m\1x\4\0\0"
                                        "\1m\1y\2\3\1\1"s)))
                .refused,
            "");
}

TEST(WasmScan, refuses_too_many_memories) {
  std::string many(1, static_cast<char>(limits::kWasmMemories + 1));
  for (size_t i = 0; i <= limits::kWasmMemories; ++i) many += "\0\1"s;
  EXPECT_NE(scan_wasm(module_of(section(5, many))).refused, "");
}

TEST(WasmScan, survives_what_is_cut_off) {
  const std::string whole =
      module_of(section(2, "\1\1m\1i\2\0\1"s) + section(5, "\1\1\2\5"s) + section(7, "\1\1a\2\1"s));
  for (size_t size = 0; size < whole.size(); ++size) scan_wasm(whole.substr(0, size));
}

}  // namespace
}  // namespace skep::isolate
