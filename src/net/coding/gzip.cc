// gzip (RFC 1952) by zlib. Members may follow one another; what comes after the last one and is no
// member is ignored, as browsers do.
#include <zlib.h>

#include <algorithm>
#include <climits>

#include "base/assert.h"
#include "net/coding/codecs.h"

namespace skep::net {
namespace {

constexpr int kGzipWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;

void point(z_stream& z, std::string_view input, std::span<char> output) {
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  z.avail_in = static_cast<uInt>(std::min<size_t>(input.size(), UINT_MAX));
  z.next_out = reinterpret_cast<Bytef*>(output.data());
  z.avail_out = static_cast<uInt>(std::min<size_t>(output.size(), UINT_MAX));
}

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() { SKEP_ASSERT(inflateInit2(&z_, kGzipWindowBits) == Z_OK); }
  ~GzipDecoder() override { inflateEnd(&z_); }

  CodingStep step(std::string_view input, std::span<char> output) override {
    CodingStep step;
    while (true) {
      if (between_members_ && !next_member(input.substr(step.used), step)) return step;
      point(z_, input.substr(step.used), output.subspan(step.made));
      const uInt in_before = z_.avail_in, out_before = z_.avail_out;
      const int result = inflate(&z_, Z_NO_FLUSH);
      step.used += in_before - z_.avail_in;
      step.made += out_before - z_.avail_out;
      if (result == Z_STREAM_END) {
        between_members_ = true;
        if (step.used < input.size()) continue;
        return step;
      }
      if (result != Z_OK && result != Z_BUF_ERROR) step.failed = true;
      if (step.used > 0) begun_ = true;
      step.more = !step.failed && z_.avail_out == 0;
      return step;
    }
  }

  bool complete() const override { return between_members_ || !begun_; }

 private:
  // After a member: another one begins, or the rest is dropped (false).
  bool next_member(std::string_view rest, CodingStep& step) {
    constexpr char kMagic = '\x1f';
    if (rest.empty()) return false;
    if (over_ || rest.front() != kMagic) {
      over_ = true;
      step.used += rest.size();
      return false;
    }
    inflateReset(&z_);
    between_members_ = false;
    begun_ = true;
    return true;
  }

  z_stream z_{};
  bool begun_ = false;
  bool between_members_ = false;
  bool over_ = false;
};

class GzipEncoder final : public Encoder {
 public:
  explicit GzipEncoder(int level) {
    SKEP_ASSERT(deflateInit2(&z_, level, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                             Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~GzipEncoder() override { deflateEnd(&z_); }

  CodingStep step(std::string_view input, Flush flush, std::span<char> output) override {
    if (finished_) return {.used = input.size()};
    point(z_, input, output);
    const uInt in_before = z_.avail_in, out_before = z_.avail_out;
    const int mode = flush == Flush::none    ? Z_NO_FLUSH
                     : flush == Flush::block ? Z_SYNC_FLUSH
                                             : Z_FINISH;
    const int result = deflate(&z_, mode);
    CodingStep step{.used = in_before - z_.avail_in, .made = out_before - z_.avail_out};
    finished_ = result == Z_STREAM_END;
    step.more = !finished_ && z_.avail_out == 0;
    return step;
  }

 private:
  z_stream z_{};
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_gzip_decoder() {
  return std::make_unique<GzipDecoder>();
}

std::unique_ptr<Encoder> make_gzip_encoder(int level) {
  return std::make_unique<GzipEncoder>(level);
}

}  // namespace skep::net
