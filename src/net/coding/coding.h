// Content codings (RFC 9110 8.4): gzip, br and zstd, decoded and encoded in steps whose output is
// bounded by the caller, so that a small input which swells to gigabytes waits until somebody wants
// its bytes. Pure: no loop, no connection. Runs in the shard; one object a body, owned by whoever
// carries that body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace skep::net {

enum class Coding : uint8_t { identity, gzip, brotli, zstd };

// "gzip", "x-gzip", "br", "zstd", "identity" and "" without regard to case; nothing for another
// name and for a list of several codings.
std::optional<Coding> coding_named(std::string_view name);
// As in Content-Encoding; "" for identity.
std::string_view coding_name(Coding coding);

struct CodingStep {
  size_t used = 0;      // bytes of the input that are done with
  size_t made = 0;      // bytes written to the output
  bool more = false;    // the output was full: call again, even without input
  bool failed = false;  // decoder: the input is not of this coding; the object is of no further use
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Reads from `input` and fills at most `output`, which is not empty. Stops when either is
  // through.
  virtual CodingStep step(std::string_view input, std::span<char> output) = 0;
  // Whether the input may end here: after a whole stream, or before its first byte.
  virtual bool complete() const = 0;
};

// coding is not identity. Memory: gzip 48 KB, zstd and br up to 8 and 16 MB, by the sender's
// window.
std::unique_ptr<Decoder> make_decoder(Coding coding);

enum class Flush : uint8_t {
  none,    // the encoder may keep bytes back
  block,   // what was given so far can be decoded from what comes out
  finish,  // the end of the body; given with the last input, until `more` is false
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  // Reads from `input` and fills at most `output`, which is not empty. With block and finish: call
  // again with what is left until the input is used up and `more` is false.
  virtual CodingStep step(std::string_view input, Flush flush, std::span<char> output) = 0;
};

// coding is not identity. level 0: one that suits responses made on the fly (gzip 6, br 4, zstd 3).
// Memory: about 256 KB, 600 KB, 600 KB.
std::unique_ptr<Encoder> make_encoder(Coding coding, int level = 0);

}  // namespace skep::net
