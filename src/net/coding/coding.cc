#include "net/coding/coding.h"

#include "base/assert.h"
#include "net/coding/codecs.h"
#include "net/headers.h"

namespace skep::net {

std::optional<Coding> coding_named(std::string_view name) {
  name = trim_whitespace(name);
  if (name.empty() || equals_ignore_case(name, "identity")) return Coding::identity;
  if (equals_ignore_case(name, "gzip") || equals_ignore_case(name, "x-gzip")) return Coding::gzip;
  if (equals_ignore_case(name, "br")) return Coding::brotli;
  if (equals_ignore_case(name, "zstd")) return Coding::zstd;
  return std::nullopt;
}

std::string_view coding_name(Coding coding) {
  switch (coding) {
    case Coding::identity:
      return "";
    case Coding::gzip:
      return "gzip";
    case Coding::brotli:
      return "br";
    case Coding::zstd:
      return "zstd";
  }
  return "";
}

std::unique_ptr<Decoder> make_decoder(Coding coding) {
  SKEP_ASSERT(coding != Coding::identity);
  if (coding == Coding::gzip) return make_gzip_decoder();
  return coding == Coding::brotli ? make_brotli_decoder() : make_zstd_decoder();
}

std::unique_ptr<Encoder> make_encoder(Coding coding, int level) {
  SKEP_ASSERT(coding != Coding::identity);
  if (coding == Coding::gzip) return make_gzip_encoder(level == 0 ? 6 : level);
  return coding == Coding::brotli ? make_brotli_encoder(level == 0 ? 4 : level)
                                  : make_zstd_encoder(level == 0 ? 3 : level);
}

}  // namespace skep::net
