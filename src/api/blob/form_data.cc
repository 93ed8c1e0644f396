// What multipart bodies need natively: a boundary that no content has, and finding bytes in bytes.
#include <sys/random.h>

#include <cstring>
#include <string>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "base/assert.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// form_boundary() -> "----skep…" with 128 random bits
void form_boundary(const Info& info) {
  uint8_t random[16];
  SKEP_ASSERT(getrandom(random, sizeof(random), 0) == static_cast<ssize_t>(sizeof(random)));
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "----skep";
  for (const uint8_t byte : random) {
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 15]);
  }
  info.GetReturnValue().Set(js_latin1(info.GetIsolate(), text));
}

// form_find(bytes, pattern, from) -> index, or -1
void form_find(const Info& info) {
  info.GetReturnValue().Set(-1);
  std::span<uint8_t> bytes, pattern;
  if (!bytes_of(info[0], bytes) || !bytes_of(info[1], pattern) || !info[2]->IsUint32()) return;
  const size_t from = info[2].As<v8::Uint32>()->Value();
  // An empty span may have no address at all, which memmem must not be given.
  if (from >= bytes.size() || pattern.empty()) return;
  const void* found =
      memmem(bytes.data() + from, bytes.size() - from, pattern.data(), pattern.size());
  if (!found) return;
  info.GetReturnValue().Set(static_cast<double>(static_cast<const uint8_t*>(found) - bytes.data()));
}

}  // namespace

std::span<const Op> blob_ops() {
  static constexpr Op ops[] = {{"form_boundary", form_boundary}, {"form_find", form_find}};
  return ops;
}

}  // namespace skep::api
