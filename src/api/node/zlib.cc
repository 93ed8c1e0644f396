// Ops of node:zlib: a coder that is fed step by step into memory that JavaScript gives, so that
// input and output are bounded by what the caller holds anyway.
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "api/base/values.h"
#include "api/node/ops.h"
#include "api/runtime_impl.h"
#include "net/coding/coding.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// As in zlib.part.js.
enum Kind : uint32_t {
  kDeflate,
  kInflate,
  kGzip,
  kGunzip,
  kDeflateRaw,
  kInflateRaw,
  kUnzip,
  kBrotliEncode,
  kBrotliDecode,
  kZstdEncode,
  kZstdDecode,
  kKinds
};

// zlib's numbers for flushing, which node:zlib has for all coders.
enum Flush : int32_t { kNoFlush = Z_NO_FLUSH, kFinish = Z_FINISH };

struct Step {
  size_t used = 0;
  size_t made = 0;
  int32_t status = 0;  // 0: goes on, 1: the end of the data, negative: zlib's error
};

class ZlibCoder : public NativeState {
 public:
  static constexpr char kKind = 0;
  ZlibCoder() : NativeState(&kKind) {}
  virtual Step step(std::span<uint8_t> in, int32_t flush, std::span<uint8_t> out) = 0;
  virtual bool reset() { return false; }
  virtual bool set_params(int /*level*/, int /*strategy*/) { return false; }
};

struct Settings {
  int window_bits, level, mem_level, strategy;
  std::string dictionary;
};

class Deflating final : public ZlibCoder {
 public:
  ~Deflating() override {
    if (open_) deflateEnd(&z_);
  }
  bool open(int window_bits, Settings settings) {
    settings_ = std::move(settings);
    open_ = deflateInit2(&z_, settings_.level, Z_DEFLATED, window_bits, settings_.mem_level,
                         settings_.strategy) == Z_OK;
    return open_ && use_dictionary();
  }
  bool reset() override { return deflateReset(&z_) == Z_OK && use_dictionary(); }
  bool set_params(int level, int strategy) override {
    // What deflateParams flushes needs room, which the next step has.
    z_.avail_in = 0;
    z_.next_out = spare_.data();
    z_.avail_out = 0;
    const int result = deflateParams(&z_, level, strategy);
    return result == Z_OK || result == Z_BUF_ERROR;
  }
  Step step(std::span<uint8_t> in, int32_t flush, std::span<uint8_t> out) override {
    z_.next_in = in.data();
    z_.avail_in = static_cast<uInt>(in.size());
    z_.next_out = out.data();
    z_.avail_out = static_cast<uInt>(out.size());
    const int result = deflate(&z_, flush);
    Step step{.used = in.size() - z_.avail_in, .made = out.size() - z_.avail_out};
    if (result == Z_STREAM_END) step.status = 1;
    if (result < 0 && result != Z_BUF_ERROR) step.status = result;
    return step;
  }

 private:
  bool use_dictionary() {
    if (settings_.dictionary.empty()) return true;
    return deflateSetDictionary(&z_, reinterpret_cast<const Bytef*>(settings_.dictionary.data()),
                                static_cast<uInt>(settings_.dictionary.size())) == Z_OK;
  }
  z_stream z_{};
  Settings settings_;
  std::array<uint8_t, 1> spare_{};
  bool open_ = false;
};

class Inflating final : public ZlibCoder {
 public:
  ~Inflating() override {
    if (open_) inflateEnd(&z_);
  }
  bool open(int window_bits, Settings settings) {
    settings_ = std::move(settings);
    raw_ = window_bits < 0;
    open_ = inflateInit2(&z_, window_bits) == Z_OK;
    return open_ && (!raw_ || settings_.dictionary.empty() || give_dictionary());
  }
  bool reset() override { return inflateReset(&z_) == Z_OK; }
  Step step(std::span<uint8_t> in, int32_t flush, std::span<uint8_t> out) override {
    z_.next_in = in.data();
    z_.avail_in = static_cast<uInt>(in.size());
    z_.next_out = out.data();
    z_.avail_out = static_cast<uInt>(out.size());
    int result = inflate(&z_, flush == kFinish ? Z_SYNC_FLUSH : flush);
    if (result == Z_NEED_DICT && !settings_.dictionary.empty()) {
      result = give_dictionary() ? inflate(&z_, Z_SYNC_FLUSH) : Z_DATA_ERROR;
    }
    Step step{.used = in.size() - z_.avail_in, .made = out.size() - z_.avail_out};
    if (result == Z_STREAM_END) step.status = 1;
    if (result == Z_NEED_DICT) step.status = -static_cast<int32_t>(Z_NEED_DICT) - 100;
    if (result < 0 && result != Z_BUF_ERROR) step.status = result;
    return step;
  }

 private:
  bool give_dictionary() {
    return inflateSetDictionary(&z_, reinterpret_cast<const Bytef*>(settings_.dictionary.data()),
                                static_cast<uInt>(settings_.dictionary.size())) == Z_OK;
  }
  z_stream z_{};
  Settings settings_;
  bool raw_ = false;
  bool open_ = false;
};

class BrotliEncoding final : public ZlibCoder {
 public:
  BrotliEncoding(int quality, int window_bits)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<uint32_t>(quality));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, static_cast<uint32_t>(window_bits));
  }
  ~BrotliEncoding() override { BrotliEncoderDestroyInstance(state_); }
  Step step(std::span<uint8_t> in, int32_t flush, std::span<uint8_t> out) override {
    size_t in_left = in.size(), out_left = out.size();
    const uint8_t* next_in = in.data();
    uint8_t* next_out = out.data();
    const auto operation = flush == kFinish    ? BROTLI_OPERATION_FINISH
                           : flush == kNoFlush ? BROTLI_OPERATION_PROCESS
                                               : BROTLI_OPERATION_FLUSH;
    const bool good = BrotliEncoderCompressStream(state_, operation, &in_left, &next_in, &out_left,
                                                  &next_out, nullptr) == BROTLI_TRUE;
    Step step{.used = in.size() - in_left, .made = out.size() - out_left};
    step.status = !good ? Z_DATA_ERROR : BrotliEncoderIsFinished(state_) ? 1 : 0;
    return step;
  }

 private:
  BrotliEncoderState* state_;
};

class BrotliDecoding final : public ZlibCoder {
 public:
  BrotliDecoding() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~BrotliDecoding() override { BrotliDecoderDestroyInstance(state_); }
  Step step(std::span<uint8_t> in, int32_t, std::span<uint8_t> out) override {
    size_t in_left = in.size(), out_left = out.size();
    const uint8_t* next_in = in.data();
    uint8_t* next_out = out.data();
    const auto result =
        BrotliDecoderDecompressStream(state_, &in_left, &next_in, &out_left, &next_out, nullptr);
    Step step{.used = in.size() - in_left, .made = out.size() - out_left};
    if (result == BROTLI_DECODER_RESULT_SUCCESS) step.status = 1;
    if (result == BROTLI_DECODER_RESULT_ERROR) step.status = Z_DATA_ERROR;
    return step;
  }

 private:
  BrotliDecoderState* state_;
};

class ZstdCoding final : public ZlibCoder {
 public:
  ZstdCoding(bool encode, int level) {
    if (encode)
      encoder_ = net::make_encoder(net::Coding::zstd, level);
    else
      decoder_ = net::make_decoder(net::Coding::zstd);
  }
  Step step(std::span<uint8_t> in, int32_t flush, std::span<uint8_t> out) override {
    const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
    const std::span<char> room(reinterpret_cast<char*>(out.data()), out.size());
    const auto mode = flush == kFinish    ? net::Flush::finish
                      : flush == kNoFlush ? net::Flush::none
                                          : net::Flush::block;
    const net::CodingStep step =
        encoder_ ? encoder_->step(text, mode, room) : decoder_->step(text, room);
    Step out_step{.used = step.used, .made = step.made};
    if (step.failed) out_step.status = Z_DATA_ERROR;
    const bool through = step.used == in.size() && !step.more;
    if (!step.failed && through && (encoder_ ? flush == kFinish : decoder_->complete())) {
      out_step.status = 1;
    }
    return out_step;
  }

 private:
  std::unique_ptr<net::Encoder> encoder_;
  std::unique_ptr<net::Decoder> decoder_;
};

int int_of(v8::Local<v8::Value> value, int low, int high, int otherwise) {
  const int number = value->IsInt32() ? value.As<v8::Int32>()->Value() : otherwise;
  return std::clamp(number, low, high);
}

std::unique_ptr<ZlibCoder> make_zlib(Kind kind, Settings settings) {
  const int bits = settings.window_bits;
  if (kind == kDeflate || kind == kGzip || kind == kDeflateRaw) {
    auto coder = std::make_unique<Deflating>();
    const int used = kind == kGzip ? std::max(bits, 9) + 16 : std::max(bits, 9);
    return coder->open(kind == kDeflateRaw ? -used : used, std::move(settings)) ? std::move(coder)
                                                                                : nullptr;
  }
  auto coder = std::make_unique<Inflating>();
  const int used = kind == kGunzip ? bits + 16 : kind == kUnzip ? bits + 32 : bits;
  return coder->open(kind == kInflateRaw ? -std::max(bits, 8) : used, std::move(settings))
             ? std::move(coder)
             : nullptr;
}

std::unique_ptr<ZlibCoder> make_coder(Kind kind, Settings settings) {
  switch (kind) {
    case kBrotliEncode:
      return std::make_unique<BrotliEncoding>(settings.level, settings.window_bits);
    case kBrotliDecode:
      return std::make_unique<BrotliDecoding>();
    case kZstdEncode:
      return std::make_unique<ZstdCoding>(true, settings.level);
    case kZstdDecode:
      return std::make_unique<ZstdCoding>(false, 0);
    default:
      return make_zlib(kind, std::move(settings));
  }
}

size_t memory_of(Kind kind) {
  if (kind >= kBrotliEncode) return 1'000'000;
  return kind == kDeflate || kind == kGzip || kind == kDeflateRaw ? 268'000 : 48'000;
}

// zlib_open(holder, kind, window bits, level, memory level, strategy, dictionary) -> id; undefined:
// zlib refuses them
void zlib_open(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const uint32_t number = info[1]->IsUint32() ? info[1].As<v8::Uint32>()->Value() : kKinds;
  if (!info[0]->IsObject() || number >= kKinds) return;
  const auto kind = static_cast<Kind>(number);
  const bool brotli = kind == kBrotliEncode;
  const bool zstd = kind == kZstdEncode;
  Settings settings{.window_bits = int_of(info[2], brotli ? 10 : 0, brotli ? 24 : 15, 15),
                    .level = int_of(info[3], brotli ? 0 : -1,
                                    brotli ? 11
                                    : zstd ? 19
                                           : 9,
                                    -1),
                    .mem_level = int_of(info[4], 1, 9, 8),
                    .strategy = int_of(info[5], 0, 4, 0),
                    .dictionary = {}};
  std::span<uint8_t> dictionary;
  if (bytes_of(info[6], dictionary))
    settings.dictionary.assign(dictionary.begin(), dictionary.end());
  auto coder = make_coder(kind, std::move(settings));
  if (!coder) return;
  const uint32_t id = runtime_of(isolate).native_states.add(isolate, info[0].As<v8::Object>(),
                                                            std::move(coder), memory_of(kind));
  if (id != 0) info.GetReturnValue().Set(id);
}

// zlib_step(id, in, offset, flush, out, result): result, an Int32Array: used, made, status
void zlib_step(const Info& info) {
  ZlibCoder* coder = runtime_of(info.GetIsolate()).native_states.find<ZlibCoder>(info[0]);
  std::span<uint8_t> in, out, result;
  if (!coder || !bytes_of(info[4], out) || out.empty() || !bytes_of(info[5], result) ||
      result.size() != 3 * sizeof(int32_t)) {
    return;
  }
  if (!bytes_of(info[1], in)) in = {};
  const uint32_t offset = info[2]->IsUint32() ? info[2].As<v8::Uint32>()->Value() : 0;
  in = in.subspan(std::min<size_t>(offset, in.size()));
  in = in.first(std::min<size_t>(in.size(), 1u << 30));
  out = out.first(std::min<size_t>(out.size(), 1u << 30));
  const Step step = coder->step(in, int_of(info[3], 0, 5, 0), out);
  const std::array<int32_t, 3> numbers{static_cast<int32_t>(step.used),
                                       static_cast<int32_t>(step.made), step.status};
  std::memcpy(result.data(), numbers.data(), result.size());
}

void zlib_reset(const Info& info) {
  ZlibCoder* coder = runtime_of(info.GetIsolate()).native_states.find<ZlibCoder>(info[0]);
  info.GetReturnValue().Set(coder && coder->reset());
}

// zlib_params(id, level, strategy) -> whether zlib takes them
void zlib_params(const Info& info) {
  ZlibCoder* coder = runtime_of(info.GetIsolate()).native_states.find<ZlibCoder>(info[0]);
  info.GetReturnValue().Set(
      coder && coder->set_params(int_of(info[1], -1, 9, -1), int_of(info[2], 0, 4, 0)));
}

void zlib_close(const Info& info) {
  runtime_of(info.GetIsolate()).native_states.drop(info[0]);
}

// zlib_crc32(bytes, before)
void zlib_crc32(const Info& info) {
  std::span<uint8_t> bytes;
  if (!bytes_of(info[0], bytes)) return;
  const uint32_t before = info[1]->IsUint32() ? info[1].As<v8::Uint32>()->Value() : 0;
  info.GetReturnValue().Set(static_cast<uint32_t>(crc32_z(before, bytes.data(), bytes.size())));
}

}  // namespace

std::span<const Op> node_zlib_ops() {
  static constexpr Op ops[] = {
      {"zlib_open", zlib_open},     {"zlib_step", zlib_step},   {"zlib_reset", zlib_reset},
      {"zlib_params", zlib_params}, {"zlib_close", zlib_close}, {"zlib_crc32", zlib_crc32},
  };
  return ops;
}

}  // namespace skep::api
