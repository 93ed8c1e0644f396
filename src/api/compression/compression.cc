// The natives of CompressionStream and DecompressionStream: a coder that is fed step by step, each
// with bounded input and output, so that neither a bomb nor a huge chunk holds the shard.
// https://compression.spec.whatwg.org
#include <brotli/decode.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "api/base/values.h"
#include "api/parts/parts.h"
#include "api/runtime_impl.h"
#include "base/assert.h"
#include "base/limits_web_apis.h"
#include "net/coding/coding.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;
using net::CodingStep;

// As in compression.part.js.
enum class Format : uint32_t { deflate, deflate_raw, gzip, brotli, zstd };

// One stream's coder.
class Coder : public NativeState {
 public:
  static constexpr char kKind = 0;
  Coder() : NativeState(&kKind) {}
  // As net::Decoder and net::Encoder. `finish`: no more input comes.
  virtual CodingStep step(std::string_view input, bool finish, std::span<char> output) = 0;
  // Whether a decoder has seen the end of its input: what comes after it is an error.
  virtual bool ended() const = 0;
  // More may follow the end (a frame another frame).
  virtual bool may_go_on() const { return false; }
};

int window_bits(Format format) {
  if (format == Format::deflate_raw) return -MAX_WBITS;
  return format == Format::gzip ? MAX_WBITS + 16 : MAX_WBITS;
}

class Zlib : public Coder {
 protected:
  using Run = int(z_stream*, int);
  CodingStep run(Run* code, std::string_view input, int mode, std::span<char> output) {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    z_.avail_in = static_cast<uInt>(input.size());
    z_.next_out = reinterpret_cast<Bytef*>(output.data());
    z_.avail_out = static_cast<uInt>(output.size());
    const int result = code(&z_, mode);
    CodingStep step{.used = input.size() - z_.avail_in, .made = output.size() - z_.avail_out};
    ended_ = result == Z_STREAM_END;
    step.failed = result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END;
    step.more = !ended_ && !step.failed && z_.avail_out == 0;
    return step;
  }
  z_stream z_{};
  bool ended_ = false;
};

class Deflate final : public Zlib {
 public:
  explicit Deflate(Format format) {
    SKEP_ASSERT(deflateInit2(&z_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits(format),
                             MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Deflate() override { deflateEnd(&z_); }
  CodingStep step(std::string_view input, bool finish, std::span<char> output) override {
    return run(deflate, input, finish ? Z_FINISH : Z_NO_FLUSH, output);
  }
  bool ended() const override { return ended_; }
};

class Inflate final : public Zlib {
 public:
  explicit Inflate(Format format) { SKEP_ASSERT(inflateInit2(&z_, window_bits(format)) == Z_OK); }
  ~Inflate() override { inflateEnd(&z_); }
  CodingStep step(std::string_view input, bool, std::span<char> output) override {
    return run(inflate, input, Z_NO_FLUSH, output);
  }
  bool ended() const override { return ended_; }
};

class Unbrotli final : public Coder {
 public:
  Unbrotli() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    SKEP_ASSERT(state_ != nullptr);
  }
  ~Unbrotli() override { BrotliDecoderDestroyInstance(state_); }
  CodingStep step(std::string_view input, bool, std::span<char> output) override {
    size_t in_left = input.size(), out_left = output.size();
    auto in = reinterpret_cast<const uint8_t*>(input.data());
    auto out = reinterpret_cast<uint8_t*>(output.data());
    const auto result =
        BrotliDecoderDecompressStream(state_, &in_left, &in, &out_left, &out, nullptr);
    CodingStep step{.used = input.size() - in_left, .made = output.size() - out_left};
    step.failed = result == BROTLI_DECODER_RESULT_ERROR;
    step.more = result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    ended_ = result == BROTLI_DECODER_RESULT_SUCCESS;
    return step;
  }
  bool ended() const override { return ended_; }

 private:
  BrotliDecoderState* state_;
  bool ended_ = false;
};

class Encode final : public Coder {
 public:
  explicit Encode(net::Coding coding) : encoder_(net::make_encoder(coding)) {}
  CodingStep step(std::string_view input, bool finish, std::span<char> output) override {
    const CodingStep step =
        encoder_->step(input, finish ? net::Flush::finish : net::Flush::none, output);
    ended_ = finish && !step.more && step.used == input.size();
    return step;
  }
  bool ended() const override { return ended_; }

 private:
  std::unique_ptr<net::Encoder> encoder_;
  bool ended_ = false;
};

class Unzstd final : public Coder {
 public:
  Unzstd() : decoder_(net::make_decoder(net::Coding::zstd)) {}
  CodingStep step(std::string_view input, bool, std::span<char> output) override {
    return decoder_->step(input, output);
  }
  bool ended() const override { return decoder_->complete(); }
  bool may_go_on() const override { return true; }

 private:
  std::unique_ptr<net::Decoder> decoder_;
};

std::unique_ptr<Coder> make_coder(Format format, bool compress) {
  switch (format) {
    case Format::brotli:
      if (compress) return std::make_unique<Encode>(net::Coding::brotli);
      return std::make_unique<Unbrotli>();
    case Format::zstd:
      if (compress) return std::make_unique<Encode>(net::Coding::zstd);
      return std::make_unique<Unzstd>();
    default:
      if (compress) return std::make_unique<Deflate>(format);
      return std::make_unique<Inflate>(format);
  }
}

// About what a coder allocates, for V8 to know what a stream that is garbage would free.
size_t memory_of(Format format, bool compress) {
  if (format == Format::brotli || format == Format::zstd) return compress ? 600'000 : 1'000'000;
  return compress ? 268'000 : 48'000;
}

// compression_open(holder, format, compress) -> id
void compression_open(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const auto number = info[1].As<v8::Uint32>()->Value();
  if (!info[0]->IsObject() || number > static_cast<uint32_t>(Format::zstd)) return;
  const auto format = static_cast<Format>(number);
  const bool compress = info[2]->IsTrue();
  const uint32_t id = runtime_of(isolate).native_states.add(
      isolate, info[0].As<v8::Object>(), make_coder(format, compress), memory_of(format, compress));
  if (id != 0) info.GetReturnValue().Set(id);
}

// How a step ended, as in compression.part.js. extra: a decoder ended before its input.
enum class After : int32_t { fed, more, ended, failed, extra };

After what_is_after(const Coder& coder, const CodingStep& step, bool input_left) {
  if (step.failed) return After::failed;
  if (coder.ended() && input_left && !coder.may_go_on()) return After::extra;
  if (coder.ended() && !input_left) return After::ended;
  return step.more || input_left ? After::more : After::fed;
}

// compression_step(id, chunk or undefined, offset, finish, out) -> a Uint8Array, or undefined where
// nothing came out. out, an Int32Array: bytes of the chunk that are used, and an After.
void compression_step(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Coder* coder = runtime_of(isolate).native_states.find<Coder>(info[0]);
  std::span<uint8_t> chunk, out;
  if (!coder || !bytes_of(info[4], out) || out.size() != 2 * sizeof(int32_t)) return;
  // The chunk may have been detached, or have shrunk, since the last step: then it is through.
  if (!info[1]->IsUndefined() && !bytes_of(info[1], chunk)) chunk = {};
  const size_t offset =
      std::min(static_cast<size_t>(info[2].As<v8::Number>()->Value()), chunk.size());
  const size_t size = std::min(chunk.size() - offset, limits::kCompressionStepInput);
  std::array<char, limits::kCompressionStepOutput> made;
  CodingStep step;
  if (!coder->ended() || coder->may_go_on()) {
    step = coder->step({reinterpret_cast<const char*>(chunk.data()) + offset, size},
                       info[3]->IsTrue(), made);
  }
  const After after = what_is_after(*coder, step, offset + step.used < chunk.size());
  const std::array<int32_t, 2> result{static_cast<int32_t>(step.used), static_cast<int32_t>(after)};
  std::memcpy(out.data(), result.data(), out.size());
  v8::Local<v8::Uint8Array> bytes;
  if (step.made > 0 && to_uint8_array(isolate, {made.data(), step.made}).ToLocal(&bytes)) {
    info.GetReturnValue().Set(bytes);
  }
}

// compression_close(id)
void compression_close(const Info& info) {
  runtime_of(info.GetIsolate()).native_states.drop(info[0]);
}

}  // namespace

std::span<const Op> compression_ops() {
  static constexpr Op ops[] = {{"compression_open", compression_open},
                               {"compression_step", compression_step},
                               {"compression_close", compression_close}};
  return ops;
}

}  // namespace skep::api
