// br (RFC 7932) by Google's library.
#include <brotli/decode.h>
#include <brotli/encode.h>

#include "base/assert.h"
#include "net/coding/codecs.h"

namespace skep::net {
namespace {

constexpr uint32_t kEncoderWindowBits = 18;

const uint8_t* bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

class BrotliDecoder final : public Decoder {
 public:
  BrotliDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    SKEP_ASSERT(state_ != nullptr);
  }
  ~BrotliDecoder() override { BrotliDecoderDestroyInstance(state_); }

  CodingStep step(std::string_view input, std::span<char> output) override {
    if (ended_) return {.used = input.size()};  // what follows the stream is ignored
    size_t in_left = input.size(), out_left = output.size();
    const uint8_t* in = bytes(input);
    auto* out = reinterpret_cast<uint8_t*>(output.data());
    const auto result =
        BrotliDecoderDecompressStream(state_, &in_left, &in, &out_left, &out, nullptr);
    if (!input.empty()) begun_ = true;
    CodingStep step{.used = input.size() - in_left, .made = output.size() - out_left};
    step.failed = result == BROTLI_DECODER_RESULT_ERROR;
    step.more = result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    ended_ = result == BROTLI_DECODER_RESULT_SUCCESS;
    if (ended_) step.used = input.size();
    return step;
  }

  bool complete() const override { return ended_ || !begun_; }

 private:
  BrotliDecoderState* state_;
  bool begun_ = false;
  bool ended_ = false;
};

class BrotliEncoder final : public Encoder {
 public:
  explicit BrotliEncoder(int level)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    SKEP_ASSERT(state_ != nullptr);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<uint32_t>(level));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kEncoderWindowBits);
  }
  ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }

  CodingStep step(std::string_view input, Flush flush, std::span<char> output) override {
    if (BrotliEncoderIsFinished(state_)) return {.used = input.size()};
    size_t in_left = input.size(), out_left = output.size();
    const uint8_t* in = bytes(input);
    auto* out = reinterpret_cast<uint8_t*>(output.data());
    const auto operation = flush == Flush::none    ? BROTLI_OPERATION_PROCESS
                           : flush == Flush::block ? BROTLI_OPERATION_FLUSH
                                                   : BROTLI_OPERATION_FINISH;
    SKEP_ASSERT(BrotliEncoderCompressStream(state_, operation, &in_left, &in, &out_left, &out,
                                            nullptr) == BROTLI_TRUE);
    CodingStep step{.used = input.size() - in_left, .made = output.size() - out_left};
    step.more = BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE;
    return step;
  }

 private:
  BrotliEncoderState* state_;
};

}  // namespace

std::unique_ptr<Decoder> make_brotli_decoder() {
  return std::make_unique<BrotliDecoder>();
}

std::unique_ptr<Encoder> make_brotli_encoder(int level) {
  return std::make_unique<BrotliEncoder>(level);
}

}  // namespace skep::net
