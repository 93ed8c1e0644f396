// The decoders, fed with arbitrary bytes: byte 0 chooses the coding, byte 1 how input and output
// are cut; the cut must not change what comes out.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "net/coding/coding.h"

namespace skep::net {
namespace {

constexpr size_t kMostBytes = 1 << 20;  // of output looked at

struct Outcome {
  std::string text;
  bool failed = false;
  bool complete = false;
  bool cut = false;
};

Outcome read(Coding coding, std::string_view bytes, size_t piece_bytes, size_t room_bytes) {
  auto decoder = make_decoder(coding);
  Outcome outcome;
  std::string room(room_bytes, '\0');
  size_t at = 0;
  while (true) {
    const std::string piece(bytes.substr(at, piece_bytes));
    const CodingStep step = decoder->step(piece, room);
    SKEP_ASSERT(step.used <= piece.size() && step.made <= room.size());
    // It never stands still.
    SKEP_ASSERT(step.failed || step.used > 0 || step.made > 0 || piece.empty());
    at += step.used;
    outcome.text.append(room, 0, step.made);
    outcome.failed = step.failed;
    outcome.cut = outcome.text.size() > kMostBytes;
    if (outcome.cut || step.failed || (at == bytes.size() && !step.more)) break;
  }
  outcome.complete = !outcome.failed && decoder->complete();
  return outcome;
}

}  // namespace
}  // namespace skep::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep::net;
  if (size < 2) return 0;
  constexpr Coding kCodings[] = {Coding::gzip, Coding::brotli, Coding::zstd};
  const Coding coding = kCodings[data[0] % 3];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = read(coding, bytes, bytes.size() + 1, 1 << 16);
  const Outcome cut = read(coding, bytes, 1 + data[1] % 16, 1 + size_t{data[1]} * 64);
  if (whole.cut || cut.cut) return 0;
  SKEP_ASSERT(whole.failed == cut.failed && whole.complete == cut.complete);
  // Of a stream that fails or is cut off, how much comes out before is the library's affair.
  if (whole.complete) SKEP_ASSERT(whole.text == cut.text);
  return 0;
}
