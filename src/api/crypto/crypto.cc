// Randomness for crypto.getRandomValues and crypto.randomUUID, from the kernel.
#include <sys/random.h>

#include <cstdio>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/event.h"
#include "base/assert.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

void fill_random(uint8_t* data, size_t length) {
  while (length > 0) {
    const ssize_t got = getrandom(data, length, 0);
    SKEP_ASSERT(got > 0);
    data += got;
    length -= static_cast<size_t>(got);
  }
}

// crypto_fill(view): at most 65,536 bytes, checked by JavaScript
void crypto_fill(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!require_event(isolate)) return;
  std::span<uint8_t> bytes;
  if (bytes_of(info[0], bytes) && bytes.size() <= 65536) fill_random(bytes.data(), bytes.size());
}

// crypto_uuid() -> version 4
void crypto_uuid(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!require_event(isolate)) return;
  uint8_t b[16];
  fill_random(b, sizeof(b));
  b[6] = static_cast<uint8_t>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<uint8_t>((b[8] & 0x3f) | 0x80);
  char text[37];
  std::snprintf(text, sizeof(text),
                "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
                b[15]);
  info.GetReturnValue().Set(js_latin1(isolate, {text, 36}));
}

}  // namespace

std::span<const Op> crypto_ops() {
  static constexpr Op ops[] = {{"crypto_fill", crypto_fill}, {"crypto_uuid", crypto_uuid}};
  return ops;
}

}  // namespace skep::api
