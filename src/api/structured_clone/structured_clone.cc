// structuredClone by V8's serializer: JavaScript values, and array buffers that are transferred.
// Platform objects are JavaScript objects with private fields, which V8 would take for plain ones:
// they are known by a mark on the prototypes of their classes, and JavaScript copies those that may
// be cloned.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

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

v8::Local<v8::Private> mark(v8::Isolate* isolate) {
  return v8::Private::ForApi(isolate, js_name(isolate, "skep platform object"));
}

// structured_clone_mark(prototype): what inherits from it is a platform object
void structured_clone_mark(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  (void)info[0].As<v8::Object>()->SetPrivate(isolate->GetCurrentContext(), mark(isolate),
                                             v8::True(isolate));
}

class Writing final : public v8::ValueSerializer::Delegate {
 public:
  // copy: gives a platform object's copy, or undefined.
  Writing(v8::Isolate* isolate, v8::Local<v8::Value> failures, v8::Local<v8::Function> copy)
      : isolate_(isolate), failures_(failures), copy_(copy), mark_(mark(isolate)) {}

  void ThrowDataCloneError(v8::Local<v8::String> message) override {
    throw_clone_error(isolate_, failures_, message);
  }

  bool HasCustomHostObject(v8::Isolate*) override { return true; }

  v8::Maybe<bool> IsHostObject(v8::Isolate* isolate, v8::Local<v8::Object> object) override {
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    v8::Local<v8::Value> at = object->GetPrototype();
    // A proxy would run its trap to tell what is behind it; whatever that is, it is not ours.
    while (at->IsObject() && !at->IsProxy()) {
      auto prototype = at.As<v8::Object>();
      bool marked = false;
      if (!prototype->HasPrivate(context, mark_).To(&marked)) return v8::Nothing<bool>();
      if (marked) return v8::Just(true);
      at = prototype->GetPrototype();
    }
    return v8::Just(false);
  }

  v8::Maybe<bool> WriteHostObject(v8::Isolate* isolate, v8::Local<v8::Object> object) override {
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    v8::Local<v8::Value> argv[1] = {object}, copied;
    if (!copy_->Call(context, v8::Undefined(isolate), 1, argv).ToLocal(&copied)) {
      return v8::Nothing<bool>();
    }
    if (!copied->IsObject()) {
      ThrowDataCloneError(js_text(isolate, "The object could not be cloned."));
      return v8::Nothing<bool>();
    }
    writer->WriteUint32(static_cast<uint32_t>(copies.size()));
    copies.emplace_back(isolate, copied.As<v8::Object>());
    return v8::Just(true);
  }

  v8::ValueSerializer* writer = nullptr;
  std::vector<v8::Global<v8::Object>> copies;  // handles made in here end with V8's own scopes

 private:
  v8::Isolate* isolate_;
  v8::Local<v8::Value> failures_;
  v8::Local<v8::Function> copy_;
  v8::Local<v8::Private> mark_;
};

// Gives out the copies that were made while writing.
class Reading final : public v8::ValueDeserializer::Delegate {
 public:
  explicit Reading(const std::vector<v8::Global<v8::Object>>& copies) : copies_(copies) {}
  v8::MaybeLocal<v8::Object> ReadHostObject(v8::Isolate* isolate) override {
    uint32_t index = 0;
    if (!reader->ReadUint32(&index) || index >= copies_.size()) return {};
    return copies_[index].Get(isolate);
  }
  v8::ValueDeserializer* reader = nullptr;

 private:
  const std::vector<v8::Global<v8::Object>>& copies_;
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

// structured_clone(value, transfer list, failures, copy platform object) -> copy. failures: an
// empty array
void structured_clone(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::LocalVector<v8::ArrayBuffer> buffers(isolate);
  if (!info[1]->IsArray() || !info[2]->IsArray() || !info[3]->IsFunction() ||
      !gather_transfers(info, buffers))
    return;

  Writing writing(isolate, info[2], info[3].As<v8::Function>());
  v8::ValueSerializer writer(isolate, &writing);
  writing.writer = &writer;
  writer.WriteHeader();
  for (size_t i = 0; i < buffers.size(); ++i) {
    writer.TransferArrayBuffer(static_cast<uint32_t>(i), buffers[i]);
  }
  if (!writer.WriteValue(context, info[0]).FromMaybe(false)) return;
  const std::pair<uint8_t*, size_t> bytes = writer.Release();
  const std::unique_ptr<uint8_t, void (*)(void*)> owned(bytes.first, std::free);

  Reading reading(writing.copies);
  v8::ValueDeserializer reader(isolate, bytes.first, bytes.second, &reading);
  reading.reader = &reader;
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
  static constexpr Op ops[] = {{"structured_clone", structured_clone},
                               {"structured_clone_mark", structured_clone_mark}};
  return ops;
}

}  // namespace skep::api
