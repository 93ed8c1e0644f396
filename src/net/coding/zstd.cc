// zstd (RFC 8878). RFC 9659: the window of this content coding is at most 8 MB.
#include <zstd.h>

#include <algorithm>

#include "base/assert.h"
#include "net/coding/codecs.h"

namespace skep::net {
namespace {

constexpr int kDecoderWindowLog = 23;
constexpr int kEncoderWindowLog = 18;

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : state_(ZSTD_createDCtx()) {
    SKEP_ASSERT(state_ != nullptr);
    ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, kDecoderWindowLog);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(state_); }

  CodingStep step(std::string_view input, std::span<char> output) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    CodingStep step;
    while (true) {
      const size_t in_before = in.pos, out_before = out.pos;
      if (!is_frame(input.substr(in.pos))) {
        step.failed = true;
        break;
      }
      const size_t result = ZSTD_decompressStream(state_, &out, &in);
      if (ZSTD_isError(result)) {
        step.failed = true;
        break;
      }
      if (in.pos > in_before || out.pos > out_before) between_frames_ = result == 0;
      frame_at_ = between_frames_ ? 0 : std::min(frame_at_ + in.pos - in_before, kMagicBytes);
      // A frame may be followed by another.
      if (out.pos == out.size || in.pos == in.size) break;
      if (in.pos == in_before && out.pos == out_before) break;
    }
    step.used = in.pos;
    step.made = out.pos;
    step.more = !step.failed && out.pos == out.size && !between_frames_;
    return step;
  }

  bool complete() const override { return between_frames_; }

 private:
  static constexpr size_t kMagicBytes = 4;

  // Whether what comes next may be a frame's first bytes (RFC 8878 3.1). The library also reads
  // formats from before the standard, which are nobody's business here.
  bool is_frame(std::string_view input) const {
    static constexpr std::string_view kFrame = "\x28\xB5\x2F\xFD";
    static constexpr std::string_view kSkippable = "\x50\x2A\x4D\x18";
    for (size_t i = 0; i < input.size() && frame_at_ + i < kMagicBytes; i++) {
      const size_t at = frame_at_ + i;
      const char skippable = at == 0 ? static_cast<char>(input[i] & 0xf0) : input[i];
      if (input[i] != kFrame[at] && skippable != kSkippable[at]) return false;
    }
    return true;
  }

  ZSTD_DCtx* state_;
  size_t frame_at_ = 0;  // bytes of this frame's magic number that went by
  bool between_frames_ = true;
};

class ZstdEncoder final : public Encoder {
 public:
  explicit ZstdEncoder(int level) : state_(ZSTD_createCCtx()) {
    SKEP_ASSERT(state_ != nullptr);
    ZSTD_CCtx_setParameter(state_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(state_, ZSTD_c_windowLog, kEncoderWindowLog);
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(state_); }

  CodingStep step(std::string_view input, Flush flush, std::span<char> output) override {
    if (finished_) return {.used = input.size()};
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const auto mode = flush == Flush::none    ? ZSTD_e_continue
                      : flush == Flush::block ? ZSTD_e_flush
                                              : ZSTD_e_end;
    const size_t left = ZSTD_compressStream2(state_, &out, &in, mode);
    SKEP_ASSERT(!ZSTD_isError(left));
    CodingStep step{.used = in.pos, .made = out.pos};
    step.more = flush == Flush::none ? out.pos == out.size : left > 0;
    finished_ = flush == Flush::finish && left == 0 && in.pos == in.size;
    return step;
  }

 private:
  ZSTD_CCtx* state_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<Decoder> make_zstd_decoder() {
  return std::make_unique<ZstdDecoder>();
}

std::unique_ptr<Encoder> make_zstd_encoder(int level) {
  return std::make_unique<ZstdEncoder>(level);
}

}  // namespace skep::net
