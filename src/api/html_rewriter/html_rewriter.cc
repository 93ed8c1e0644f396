// The natives of HTMLRewriter: instances of lol-html, which is WebAssembly that the program
// carries, and text that lies in their memory.
#include <zstd.h>

#include <cstring>

#include "api/base/values.h"
#include "api/parts/parts.h"
#include "base/assert.h"
#include "isolate/own_wasm.h"

// Embedded by the build.
extern "C" {
extern const char skep_html_rewriter_zst[] __attribute__((visibility("hidden")));
extern const char skep_html_rewriter_zst_end[] __attribute__((visibility("hidden")));
}

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

std::string wasm_bytes() {
  const std::string_view packed(
      skep_html_rewriter_zst,
      static_cast<size_t>(skep_html_rewriter_zst_end - skep_html_rewriter_zst));
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  SKEP_ASSERT(size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN);
  std::string bytes(size, '\0');
  SKEP_ASSERT(ZSTD_decompress(bytes.data(), size, packed.data(), packed.size()) == size);
  return bytes;
}

// html_rewriter_instance(imports) -> exports
void html_rewriter_instance(const Info& info) {
  if (!info[0]->IsObject()) return;
  v8::Local<v8::Object> exports;
  if (isolate::make_own_wasm(info.GetIsolate(), skep_html_rewriter_zst, wasm_bytes,
                             info[0].As<v8::Object>())
          .ToLocal(&exports)) {
    info.GetReturnValue().Set(exports);
  }
}

// The bytes [offset, offset + length) of an instance's memory; empty where they are not all there.
std::string_view memory_at(const Info& info) {
  std::span<uint8_t> memory;
  if (!info[0]->IsWasmMemoryObject() || !info[1]->IsUint32() || !info[2]->IsUint32()) return {};
  if (!bytes_of(info[0].As<v8::WasmMemoryObject>()->Buffer(), memory)) return {};
  const size_t offset = info[1].As<v8::Uint32>()->Value();
  const size_t length = info[2].As<v8::Uint32>()->Value();
  if (offset > memory.size() || length > memory.size() - offset) return {};
  return {reinterpret_cast<const char*>(memory.data()) + offset, length};
}

// html_rewriter_text(memory, offset, length) -> string, from UTF-8
void html_rewriter_text(const Info& info) {
  v8::Local<v8::String> text;
  if (to_js_string(info.GetIsolate(), memory_at(info)).ToLocal(&text)) {
    info.GetReturnValue().Set(text);
  }
}

// html_rewriter_bytes(memory, offset, length) -> Uint8Array, a copy
void html_rewriter_bytes(const Info& info) {
  v8::Local<v8::Uint8Array> bytes;
  if (to_uint8_array(info.GetIsolate(), memory_at(info)).ToLocal(&bytes)) {
    info.GetReturnValue().Set(bytes);
  }
}

// html_rewriter_put(memory, offset, bytes): into the memory, where it fits
void html_rewriter_put(const Info& info) {
  std::span<uint8_t> memory, bytes;
  if (!info[0]->IsWasmMemoryObject() || !info[1]->IsUint32()) return;
  if (!bytes_of(info[0].As<v8::WasmMemoryObject>()->Buffer(), memory)) return;
  const size_t offset = info[1].As<v8::Uint32>()->Value();
  if (!bytes_of(info[2], bytes) || bytes.empty()) return;
  if (offset > memory.size() || bytes.size() > memory.size() - offset) return;
  std::memcpy(memory.data() + offset, bytes.data(), bytes.size());
}

}  // namespace

std::span<const Op> html_rewriter_ops() {
  static constexpr Op ops[] = {{"html_rewriter_instance", html_rewriter_instance},
                               {"html_rewriter_text", html_rewriter_text},
                               {"html_rewriter_bytes", html_rewriter_bytes},
                               {"html_rewriter_put", html_rewriter_put}};
  return ops;
}

}  // namespace skep::api
