#include "isolate/wasm_scan.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/limits.h"

namespace skep::isolate {
namespace {

constexpr uint8_t kImportSection = 2;
constexpr uint8_t kMemorySection = 5;
constexpr uint8_t kImportedMemory = 2;
constexpr uint8_t kSharedFlag = 2;

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

struct Found {
  uint64_t memories = 0;
  bool shared = false;
};

// Limits of a table or memory; the flags say which numbers follow.
uint8_t read_limits(Reader& reader) {
  const uint8_t flags = reader.byte();
  reader.number();
  if (flags & 1) reader.number();
  if (flags & 8) reader.number();  // custom page size
  return flags;
}

void read_value_type(Reader& reader) {
  const uint8_t type = reader.byte();
  // A reference with an explicit heap type: (ref null? heaptype), a signed number; its bytes are
  // those of an unsigned one.
  if (type == 0x63 || type == 0x64) reader.number();
}

void read_imports(Reader reader, Found& found) {
  for (uint64_t left = reader.number(); left > 0 && !reader.broken(); --left) {
    reader.take(reader.number());
    reader.take(reader.number());
    switch (reader.byte()) {
      case 0:
        reader.number();
        break;  // function
      case 1:
        read_value_type(reader);
        read_limits(reader);
        break;
      case kImportedMemory:
        if (read_limits(reader) & kSharedFlag) found.shared = true;
        break;
      case 3:
        read_value_type(reader);
        reader.byte();
        break;
      case 4:
        reader.byte();
        reader.number();
        break;
      default:
        return;  // V8 will not like it either
    }
  }
}

void read_memories(Reader reader, Found& found) {
  const uint64_t count = reader.number();
  found.memories += count;
  for (uint64_t left = count; left > 0 && !reader.broken(); --left) {
    if (read_limits(reader) & kSharedFlag) found.shared = true;
  }
}

}  // namespace

std::string refuse_wasm(std::string_view bytes) {
  if (bytes.size() < 8) return {};
  Reader reader(bytes.substr(8));
  Found found;
  while (!reader.ended() && !reader.broken()) {
    const uint8_t section = reader.byte();
    const std::string_view content = reader.take(reader.number());
    if (section == kImportSection) read_imports(Reader(content), found);
    if (section == kMemorySection) read_memories(Reader(content), found);
  }
  if (found.shared) return "shared memory is not supported";
  if (found.memories > limits::kWasmMemories) return "the module declares too many memories";
  return {};
}

}  // namespace skep::isolate
