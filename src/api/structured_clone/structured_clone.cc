// structuredClone by V8's serializer: JavaScript values, and array buffers that are transferred.
#include <cstdlib>
#include <memory>
#include <string>

#include "api/base/ops.h"
#include "api/base/values.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// What cannot be cloned: an Error with the message, and a note in `failures` by which JavaScript
// tells it from what the user's own getters throw.
void throw_clone_error(v8::Isolate* isolate, v8::Local<v8::Value> failures,
                       v8::Local<v8::String> message) {
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  (void)failures.As<v8::Array>()->CreateDataProperty(context, 0, message);
  isolate->ThrowException(v8::Exception::Error(message));
}

class Writing final : public v8::ValueSerializer::Delegate {
 public:
  Writing(v8::Isolate* isolate, v8::Local<v8::Value> failures)
      : isolate_(isolate), failures_(failures) {}
  void ThrowDataCloneError(v8::Local<v8::String> message) override {
    throw_clone_error(isolate_, failures_, message);
  }

 private:
  v8::Isolate* isolate_;
  v8::Local<v8::Value> failures_;
};

// The array buffers of the transfer list, each once.
bool gather_transfers(const Info& info, v8::LocalVector<v8::ArrayBuffer>& buffers) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::Local<v8::Value> list = info[1];
  auto array = list.As<v8::Array>();
  for (uint32_t i = 0; i < array->Length(); ++i) {
    v8::Local<v8::Value> item;
    if (!array->Get(context, i).ToLocal(&item)) return false;
    if (!item->IsArrayBuffer() || !item.As<v8::ArrayBuffer>()->IsDetachable() ||
        item.As<v8::ArrayBuffer>()->WasDetached()) {
      throw_clone_error(isolate, info[2],
                        js_text(isolate, "Value at index " + std::to_string(i) +
                                             " of the transfer list cannot be transferred."));
      return false;
    }
    for (v8::Local<v8::ArrayBuffer> seen : buffers) {
      if (seen != item) continue;
      throw_clone_error(isolate, info[2],
                        js_text(isolate, "The transfer list holds an ArrayBuffer twice."));
      return false;
    }
    buffers.push_back(item.As<v8::ArrayBuffer>());
  }
  return true;
}

// structured_clone(value, transfer list, failures) -> copy. failures: an empty array
void structured_clone(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::LocalVector<v8::ArrayBuffer> buffers(isolate);
  if (!info[1]->IsArray() || !info[2]->IsArray() || !gather_transfers(info, buffers)) return;

  Writing delegate(isolate, info[2]);
  v8::ValueSerializer writer(isolate, &delegate);
  writer.WriteHeader();
  for (size_t i = 0; i < buffers.size(); ++i) {
    writer.TransferArrayBuffer(static_cast<uint32_t>(i), buffers[i]);
  }
  if (!writer.WriteValue(context, info[0]).FromMaybe(false)) return;
  const std::pair<uint8_t*, size_t> bytes = writer.Release();
  const std::unique_ptr<uint8_t, void (*)(void*)> owned(bytes.first, std::free);

  v8::ValueDeserializer reader(isolate, bytes.first, bytes.second);
  if (!reader.ReadHeader(context).FromMaybe(false)) return;
  for (size_t i = 0; i < buffers.size(); ++i) {
    auto store = buffers[i]->GetBackingStore();
    if (buffers[i]->Detach({}).IsNothing()) return;
    reader.TransferArrayBuffer(static_cast<uint32_t>(i),
                               v8::ArrayBuffer::New(isolate, std::move(store)));
  }
  v8::Local<v8::Value> copy;
  if (reader.ReadValue(context).ToLocal(&copy)) info.GetReturnValue().Set(copy);
}

}  // namespace

std::span<const Op> structured_clone_ops() {
  static constexpr Op ops[] = {{"structured_clone", structured_clone}};
  return ops;
}

}  // namespace skep::api
