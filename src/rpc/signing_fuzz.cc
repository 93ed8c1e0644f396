// Bytes of a hostile shard on the signing socket: byte 0 chooses how they are cut, and the cut must
// not change what is read.
#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "rpc/signing_wire.h"

namespace {

using namespace skep;

struct Outcome {
  std::vector<std::string> messages;
  bool kept = true;

  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, size_t piece_bytes) {
  rpc::SigningReader<rpc::SignRequest> reader;
  Outcome outcome;
  while (!bytes.empty() && outcome.kept) {
    const std::string piece(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(piece.size());
    outcome.kept = reader.feed(piece, [&](const rpc::SignRequest& request,
                                          std::span<const char> input) {
      SKEP_ASSERT(input.size() == request.bytes && input.size() <= rpc::SignRequest::kMostBytes);
      outcome.messages.push_back(
          std::string(rpc::bytes_of_head(request)).append(input.data(), input.size()));
    });
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  SKEP_ASSERT(read(bytes, data[0] + size_t{1}) == read(bytes, std::max<size_t>(bytes.size(), 1)));
  return 0;
}
