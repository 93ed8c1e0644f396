// The coders one by one, each in its file beside this header: what coding.cc chooses from. For this
// folder only.
#pragma once

#include "net/coding/coding.h"

namespace skep::net {

std::unique_ptr<Decoder> make_gzip_decoder();
std::unique_ptr<Decoder> make_brotli_decoder();
std::unique_ptr<Decoder> make_zstd_decoder();
std::unique_ptr<Encoder> make_gzip_encoder(int level);
std::unique_ptr<Encoder> make_brotli_encoder(int level);
std::unique_ptr<Encoder> make_zstd_encoder(int level);

}  // namespace skep::net
