#include "api/rpc/values.h"

#include <fmt/format.h>

#include "api/base/values.h"
#include "api/rpc/stubs.h"
#include "api/runtime_impl.h"
#include "base/limits_rpc.h"

namespace skep::api {
namespace {

class Writing final : public v8::ValueSerializer::Delegate {
 public:
  Writing(v8::Isolate* isolate, RpcState& state, v8::Local<v8::Array> failures, Message& out)
      : isolate_(isolate), state_(state), failures_(failures), out_(out) {}

  // An Error with the message, and a note by which JavaScript tells it from what getters throw.
  void ThrowDataCloneError(v8::Local<v8::String> message) override {
    (void)failures_->CreateDataProperty(isolate_->GetCurrentContext(), 0, message);
    isolate_->ThrowException(v8::Exception::Error(message));
  }

  bool HasCustomHostObject(v8::Isolate*) override { return true; }

  // Whatever is an instance of a class.
  v8::Maybe<bool> IsHostObject(v8::Isolate* isolate, v8::Local<v8::Object> object) override {
    v8::Local<v8::Value> prototype = object->GetPrototype();
    return v8::Just(!prototype->IsNull() && prototype != state_.object_prototype.Get(isolate));
  }

  v8::Maybe<bool> WriteHostObject(v8::Isolate* isolate, v8::Local<v8::Object> object) override {
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    v8::Local<v8::Value> argv[] = {object}, encoded, part[4];
    if (!call_rpc(isolate, context, RpcFunction::encode, argv).ToLocal(&encoded)) {
      return v8::Nothing<bool>();
    }
    for (uint32_t i = 0; i < std::size(part); ++i) {
      if (!encoded.As<v8::Array>()->Get(context, i).ToLocal(&part[i])) return v8::Nothing<bool>();
    }
    std::shared_ptr<Capability> capability;
    if (!part[2]->IsUndefined() &&
        !take_capability(isolate, context, part[2], part[3]).To(&capability)) {
      return v8::Nothing<bool>();
    }
    if (capability && out_.capabilities.size() >= limits::kRpcCapabilitiesPerMessage) {
      throw_error(isolate, "Too many stubs in one RPC message.");
      return v8::Nothing<bool>();
    }
    writer->WriteUint32(part[0].As<v8::Uint32>()->Value());
    writer->WriteUint32(capability ? static_cast<uint32_t>(out_.capabilities.size()) + 1 : 0);
    if (capability) out_.capabilities.push_back(std::move(capability));
    return writer->WriteValue(context, part[1]);
  }

  void* ReallocateBufferMemory(void* old, size_t size, size_t* actual) override {
    if (size > limits::kRpcWriteBytes) return nullptr;  // V8 reports it
    *actual = size;
    return std::realloc(old, size);
  }

  v8::ValueSerializer* writer = nullptr;

 private:
  v8::Isolate* isolate_;
  RpcState& state_;
  v8::Local<v8::Array> failures_;
  Message& out_;
};

class Reading final : public v8::ValueDeserializer::Delegate {
 public:
  explicit Reading(const Message& message) : message_(message) {}

  v8::MaybeLocal<v8::Object> ReadHostObject(v8::Isolate* isolate) override {
    v8::Local<v8::Context> context = isolate->GetCurrentContext();
    uint32_t tag = 0, index = 0;
    if (!reader->ReadUint32(&tag) || !reader->ReadUint32(&index) ||
        index > message_.capabilities.size()) {
      return {};
    }
    // V8 allows no JavaScript here, for scripts could change what is half read. decode() is ours:
    // it calls nothing of the user's, and sees nothing but `value`, which is whole.
    const v8::Isolate::AllowJavascriptExecutionScope allow(isolate);
    v8::Local<v8::Value> value, object;
    if (!reader->ReadValue(context).ToLocal(&value)) return {};
    uint32_t handle = 0;
    if (index > 0) {
      handle = hold_capability(isolate, message_.capabilities[index - 1]);
      if (handle == 0) return {};
    }
    v8::Local<v8::Value> argv[] = {v8::Integer::NewFromUnsigned(isolate, tag), value,
                                   v8::Integer::NewFromUnsigned(isolate, handle)};
    if (!call_rpc(isolate, context, RpcFunction::decode, argv).ToLocal(&object) ||
        !object->IsObject()) {
      return {};
    }
    return object.As<v8::Object>();
  }

  v8::ValueDeserializer* reader = nullptr;

 private:
  const Message& message_;
};

}  // namespace

RpcState* require_rpc(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  Runtime::Impl& runtime = runtime_of(isolate);
  if (!runtime.rpc) {
    v8::Local<v8::Value> argv[] = {js_text(isolate, "rpc/rpc")};
    // The part calls rpc_setup.
    if (runtime.hook(isolate, Hook::load_part)
            ->Call(context, v8::Undefined(isolate), 1, argv)
            .IsEmpty()) {
      return nullptr;
    }
  }
  return runtime.rpc.get();
}

v8::MaybeLocal<v8::Value> call_rpc(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                   RpcFunction which, std::span<v8::Local<v8::Value>> argv) {
  RpcState* state = require_rpc(isolate, context);
  if (!state) return {};
  return state->functions[static_cast<size_t>(which)].Get(isolate)->Call(
      context, v8::Undefined(isolate), static_cast<int>(argv.size()), argv.data());
}

bool write_message(v8::Isolate* isolate, v8::Local<v8::Context> context, v8::Local<v8::Value> value,
                   v8::Local<v8::Array> failures, Message& out) {
  RpcState* state = require_rpc(isolate, context);
  if (!state) return false;
  Writing writing(isolate, *state, failures, out);
  v8::ValueSerializer writer(isolate, &writing);
  writing.writer = &writer;
  writer.WriteHeader();
  const bool written = writer.WriteValue(context, value).FromMaybe(false);
  const auto [bytes, size] = writer.Release();
  out.bytes.reset(bytes);
  out.size = size;
  if (written && size > limits::kRpcMessageBytes) {
    throw_error(isolate,
                fmt::format("Serialized RPC arguments or return values are limited to 32MiB, but "
                            "the size of this value was: {} bytes.",
                            size));
    return false;
  }
  return written;
}

v8::MaybeLocal<v8::Value> read_message(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                       const Message& message) {
  // Now, and not when the first stub is met: V8 allows no JavaScript while it reads.
  if (!message.capabilities.empty() && !require_rpc(isolate, context)) return {};
  Reading reading(message);
  v8::ValueDeserializer reader(isolate, message.bytes.get(), message.size, &reading);
  reading.reader = &reader;
  if (!reader.ReadHeader(context).FromMaybe(false)) return {};
  return reader.ReadValue(context);
}

v8::Local<v8::Value> remote_error(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                  std::string_view text) {
  const size_t colon = text.find(": ");
  std::string_view name = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  // A name is one word; else the text is no error's.
  if (!name.ends_with("Error") || name.find(' ') != std::string_view::npos) name = {};
  if (!name.empty()) text.remove_prefix(name.size() + 2);
  v8::Local<v8::String> message = js_text(isolate, text);
  v8::Local<v8::Value> error;
  if (name == "TypeError") {
    error = v8::Exception::TypeError(message);
  } else if (name == "RangeError") {
    error = v8::Exception::RangeError(message);
  } else if (name == "SyntaxError") {
    error = v8::Exception::SyntaxError(message);
  } else if (name == "ReferenceError") {
    error = v8::Exception::ReferenceError(message);
  } else {
    error = v8::Exception::Error(message);
    if (!name.empty() && name != "Error") {
      (void)error.As<v8::Object>()->DefineOwnProperty(context, js_name(isolate, "name"),
                                                      js_text(isolate, name), v8::DontEnum);
    }
  }
  (void)error.As<v8::Object>()->CreateDataProperty(context, js_name(isolate, "remote"),
                                                   v8::True(isolate));
  return error;
}

v8::MaybeLocal<v8::Value> entry_props(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                      const EntryChoice& entry) {
  if (entry.props) {
    v8::Local<v8::Value> list;  // of one value, as values.js writes it
    if (!read_message(isolate, context, *entry.props).ToLocal(&list)) return {};
    return list.As<v8::Array>()->Get(context, 0);
  }
  if (entry.props_json.empty()) return v8::Undefined(isolate);
  v8::Local<v8::String> text;
  if (!to_js_string(isolate, entry.props_json).ToLocal(&text)) return {};
  return v8::JSON::Parse(context, text);
}

}  // namespace skep::api
