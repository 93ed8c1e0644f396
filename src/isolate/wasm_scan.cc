#include "isolate/wasm_scan.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/limits.h"

namespace skep::isolate {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr uint8_t kImportSection = 2;
constexpr uint8_t kMemorySection = 5;
constexpr uint8_t kExportSection = 7;
// Kinds of imports and exports.
constexpr uint8_t kFunction = 0, kTable = 1, kMemory = 2, kGlobal = 3, kTag = 4;
// Flags of limits.
constexpr uint8_t kHasMaximum = 1, kShared = 2, kHasPageSize = 8;

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool ended() const { return at_ >= bytes_.size(); }
  bool broken() const { return broken_; }

  uint8_t byte() {
    if (ended()) {
      broken_ = true;
      return 0;
    }
    return static_cast<uint8_t>(bytes_[at_++]);
  }
  uint64_t number() {  // unsigned LEB128
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t next = byte();
      value |= static_cast<uint64_t>(next & 0x7f) << shift;
      if ((next & 0x80) == 0) return value;
    }
    broken_ = true;
    return 0;
  }
  std::string_view take(uint64_t size) {
    if (size > bytes_.size() - at_) {
      broken_ = true;
      at_ = bytes_.size();
      return {};
    }
    const std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool broken_ = false;
};

class Scanner {
 public:
  WasmScan run(std::string_view bytes) {
    if (bytes.size() < kHeaderBytes) return {};
    Reader reader(bytes.substr(kHeaderBytes));
    while (!reader.ended() && !reader.broken()) {
      const uint8_t section = reader.byte();
      const std::string_view content = reader.take(reader.number());
      if (section == kImportSection) read_imports(Reader(content));
      if (section == kMemorySection) read_memories(Reader(content));
      if (section == kExportSection) read_exports(Reader(content));
    }
    if (shared_) scan_.refused = "shared memory is not supported";
    if (too_many_) scan_.refused = "the module declares too many memories";
    return std::move(scan_);
  }

 private:
  // Limits of a table or memory; the flags say which numbers follow.
  static uint8_t read_limits(Reader& reader, WasmMemory& memory) {
    const uint8_t flags = reader.byte();
    memory.least_pages = reader.number();
    if (flags & kHasMaximum) memory.most_pages = reader.number();
    if (flags & kHasPageSize) reader.number();
    return flags;
  }

  static void read_value_type(Reader& reader) {
    const uint8_t type = reader.byte();
    // (ref null? heaptype): the heap type is a signed number, as long as an unsigned one.
    if (type == 0x63 || type == 0x64) reader.number();
  }

  void read_imports(Reader reader) {
    for (uint64_t left = reader.number(); left > 0 && !reader.broken(); --left) {
      WasmMemory ignored;
      reader.take(reader.number());
      reader.take(reader.number());
      switch (reader.byte()) {
        case kFunction:
          reader.number();
          break;
        case kTable:
          read_value_type(reader);
          read_limits(reader, ignored);
          break;
        case kMemory:
          if (read_limits(reader, ignored) & kShared) shared_ = true;
          ++imported_;
          break;
        case kGlobal:
          read_value_type(reader);
          reader.byte();
          break;
        case kTag:
          reader.byte();
          reader.number();
          break;
        default:
          return;  // V8 will not like it either
      }
    }
  }

  void read_memories(Reader reader) {
    for (uint64_t left = reader.number(); left > 0 && !reader.broken(); --left) {
      if (scan_.memories.size() == limits::kWasmMemories) {
        too_many_ = true;
        return;
      }
      WasmMemory memory;
      if (read_limits(reader, memory) & kShared) shared_ = true;
      scan_.memories.push_back(std::move(memory));
    }
  }

  void read_exports(Reader reader) {
    for (uint64_t left = reader.number(); left > 0 && !reader.broken(); --left) {
      const std::string_view name = reader.take(reader.number());
      const uint8_t kind = reader.byte();
      const uint64_t index = reader.number();
      if (kind != kMemory || index < imported_ || index - imported_ >= scan_.memories.size())
        continue;
      scan_.memories[index - imported_].export_name = name;
    }
  }

  WasmScan scan_;
  uint64_t imported_ = 0;  // memories: they come first in the index space
  bool shared_ = false;
  bool too_many_ = false;
};

}  // namespace

WasmScan scan_wasm(std::string_view bytes) {
  return Scanner().run(bytes);
}

}  // namespace skep::isolate
