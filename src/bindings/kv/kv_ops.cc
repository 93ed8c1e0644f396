// Natives of the part kv/kv. Indices, ids and values come from JavaScript: an index must be of a KV
// binding, an id of the current event, and sizes are checked here and by the broker.
#include <fmt/format.h>

#include <algorithm>

#include "api/base/values.h"
#include "api/runtime_impl.h"
#include "base/limits_kv.h"
#include "bindings/call.h"
#include "bindings/kv/kv_binding.h"
#include "bindings/kv/kv_words.h"

namespace skep::bindings {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;
constexpr size_t kChunkBytes = 256 * 1024;

enum class Type : uint8_t { text, json, array_buffer, stream };

KvBinding* binding_of(const Info& info) {
  auto* binding = api::binding_at<KvBinding>(info.GetIsolate(), info[0]);
  if (binding == nullptr) api::throw_type_error(info.GetIsolate(), "Illegal invocation");
  return binding;
}

// The key is checked by JavaScript already; the broker checks once more.
std::string key_of(const Info& info, int index) {
  return api::to_utf8(info.GetIsolate(), info[index]);
}

Type type_of(const Info& info, int index) {
  const uint32_t type = info[index]->IsUint32() ? info[index].As<v8::Uint32>()->Value() : 0;
  return static_cast<Type>(std::min(type, 3u));
}

std::string failure(std::string_view method, const Error& error) {
  const bool bad = error.message == kKvBadCursor;
  return fmt::format("KV {} failed: {} {}", method, bad ? 400 : 500,
                     bad ? "Invalid cursor" : error.message);
}

v8::MaybeLocal<v8::Value> parse_json(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                     std::string_view text) {
  v8::Local<v8::String> string;
  if (!api::to_js_string(isolate, text).ToLocal(&string)) return {};
  return v8::JSON::Parse(context, string);
}

v8::MaybeLocal<v8::Value> make_value(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                     Type type, std::string_view bytes) {
  switch (type) {
    case Type::text: {
      v8::Local<v8::String> text;
      if (!api::to_js_string(isolate, bytes).ToLocal(&text)) return {};
      return text;
    }
    case Type::json:
      return parse_json(isolate, context, bytes);
    case Type::array_buffer: {
      v8::Local<v8::ArrayBuffer> buffer;
      if (!api::to_array_buffer(isolate, bytes).ToLocal(&buffer)) return {};
      return buffer;
    }
    case Type::stream: {
      v8::Local<v8::Uint8Array> chunk;
      if (!api::to_uint8_array(isolate, bytes).ToLocal(&chunk)) return {};
      return chunk;
    }
  }
  return {};
}

// What get() gives, or getWithMetadata(): {value, metadata, cacheStatus}.
v8::MaybeLocal<v8::Value> make_result(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                      v8::MaybeLocal<v8::Value> made, const KvValue& from,
                                      bool with_metadata) {
  v8::Local<v8::Value> value;
  if (!made.ToLocal(&value) || !with_metadata) return made;
  v8::Local<v8::Value> metadata = v8::Null(isolate);
  if (!from.metadata.empty() && !parse_json(isolate, context, from.metadata).ToLocal(&metadata)) {
    return {};
  }
  v8::Local<v8::Object> result = v8::Object::New(isolate);
  const auto add = [&](std::string_view name, v8::Local<v8::Value> member) {
    return result->CreateDataProperty(context, api::js_name(isolate, name), member).IsJust();
  };
  if (!add("value", value) || !add("metadata", metadata) ||
      !add("cacheStatus", v8::Null(isolate))) {
    return {};
  }
  return result;
}

v8::MaybeLocal<v8::Value> make_read(v8::Isolate* isolate, v8::Local<v8::Context> context, Type type,
                                    const KvValue& value, bool with_metadata) {
  v8::MaybeLocal<v8::Value> made = v8::Null(isolate);
  if (!value.missing) made = make_value(isolate, context, type, value.bytes);
  return make_result(isolate, context, made, value, with_metadata);
}

// ---- large values
// --------------------------------------------------------------------------------

// A file that JavaScript reads as a stream.
class BlobResource final : public api::Resource {
 public:
  BlobResource(api::Event& event, loop::Loop& loop, UniqueFd file, uint64_t size)
      : Resource(event, Kind::kv_blob), reader(loop, std::move(file), size) {}
  void wake(v8::Isolate*, v8::Local<v8::Context>) override {}
  FileReader reader;
};

// A file that is wanted whole.
struct WholeRead : std::enable_shared_from_this<WholeRead> {
  WholeRead(loop::Loop& loop, KvRead read, CallHandle call_in, Type type_in, bool with)
      : value(std::move(read.value)),
        reader(loop, std::move(read.file), read.size),
        call(std::move(call_in)),
        type(type_in),
        with_metadata(with) {}

  void next() {
    reader.read(kChunkBytes * 4, [self = shared_from_this()](Result<std::string> piece) {
      if (!piece) return self->call.fail(failure("GET", piece.error()));
      if (self->bytes.empty()) self->bytes.reserve(self->reader.left() + piece->size());
      self->bytes += *piece;
      if (self->reader.left() > 0) return self->next();
      self->call.answer([self](v8::Isolate* isolate, v8::Local<v8::Context> context) {
        return make_result(isolate, context, make_value(isolate, context, self->type, self->bytes),
                           *self->value, self->with_metadata);
      });
    });
  }

  std::shared_ptr<const KvValue> value;
  FileReader reader;
  CallHandle call;
  Type type;
  bool with_metadata;
  std::string bytes;
};

// The id of a stream over the file.
CallAnswer stream_answer(loop::Loop& loop, std::shared_ptr<KvRead> read, bool with_metadata) {
  return [&loop, read, with_metadata](v8::Isolate* isolate,
                                      v8::Local<v8::Context> context) -> v8::MaybeLocal<v8::Value> {
    api::Event* event = api::require_event(isolate);
    if (event == nullptr) return {};
    auto& blob = event->adopt(
        std::make_unique<BlobResource>(*event, loop, std::move(read->file), read->size));
    return make_result(isolate, context, v8::Integer::NewFromUnsigned(isolate, blob.id()),
                       *read->value, with_metadata);
  };
}

void answer_read(loop::Loop& loop, const CallHandle& call, KvRead read, Type type, bool with) {
  if (!read.file) {
    return call.answer([value = std::move(read.value), type, with](v8::Isolate* isolate,
                                                                   v8::Local<v8::Context> context) {
      return make_read(isolate, context, type, *value, with);
    });
  }
  if (type == Type::stream) {
    return call.answer(stream_answer(loop, std::make_shared<KvRead>(std::move(read)), with));
  }
  std::make_shared<WholeRead>(loop, std::move(read), call, type, with)->next();
}

// A value that is in memory, on its way in pieces.
struct LargePut : std::enable_shared_from_this<LargePut> {
  LargePut(BindingContext& context_in, rpc::KvSink::Client sink_in, std::string bytes_in,
           CallHandle call_in)
      : context(context_in),
        sink(kj::mv(sink_in)),
        bytes(std::move(bytes_in)),
        call(std::move(call_in)) {}

  void next() {
    const std::string_view piece = std::string_view(bytes).substr(sent, kChunkBytes);
    const auto then = [self = shared_from_this()](Result<> result) {
      if (!result) return self->call.fail(failure("PUT", result.error()));
      if (self->ended) return self->call.resolve_undefined();
      self->next();
    };
    sent += piece.size();
    if (!piece.empty()) return KvBinding::write(context, sink, piece, then);
    ended = true;
    KvBinding::end(context, sink, then);
  }

  BindingContext& context;
  rpc::KvSink::Client sink;
  const std::string bytes;
  CallHandle call;
  size_t sent = 0;
  bool ended = false;
};

class SinkResource final : public api::Resource {
 public:
  SinkResource(api::Event& event, BindingContext& context_in, rpc::KvSink::Client sink_in)
      : Resource(event, Kind::kv_sink), context(context_in), sink(kj::mv(sink_in)) {}
  ~SinkResource() noexcept override = default;
  void wake(v8::Isolate*, v8::Local<v8::Context>) override {}
  BindingContext& context;
  rpc::KvSink::Client sink;
};

// ---- ops
// -----------------------------------------------------------------------------------------

// kv_get(index, key, type, with_metadata, counted) -> the value (null: missing) or a promise of it;
// where the type is a stream, its bytes, or the id of a file. counted: as a part of another call
void kv_get(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  KvBinding* binding = binding_of(info);
  if (binding == nullptr) return;
  std::string key = key_of(info, 1);
  const Type type = type_of(info, 2);
  const bool with = info[3]->IsTrue();
  const Counts counts = info[4]->IsTrue() ? Counts::no : Counts::yes;
  if (const KvValue* hot = binding->hot(key)) {
    v8::Local<v8::Value> value;
    if (require_subrequest(isolate, counts) != nullptr &&
        make_read(isolate, isolate->GetCurrentContext(), type, *hot, with).ToLocal(&value)) {
      info.GetReturnValue().Set(value);
    }
    return;
  }
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise, counts);
  if (!call) return;
  binding->get(std::move(key),
               [call = *call, type, with, &loop = binding->context().loop](Result<KvRead> read) {
                 if (!read) return call.fail(failure("GET", read.error()));
                 answer_read(loop, call, std::move(*read), type, with);
               });
  info.GetReturnValue().Set(promise);
}

bool read_options(const Info& info, int first, KvOptions& options) {
  v8::Isolate* isolate = info.GetIsolate();
  const double expiration = info[first]->IsNumber() ? info[first].As<v8::Number>()->Value() : 0;
  if (!(expiration >= 0 && expiration < 1e15)) {
    api::throw_range_error(isolate, "The expiration is out of range.");
    return false;
  }
  options.expiration = static_cast<uint64_t>(expiration);
  options.metadata = api::to_utf8(isolate, info[first + 1]);
  return true;
}

// kv_put(index, key, string or bytes, expiration, metadata) -> promise; the number of bytes instead
// where they are too many
void kv_put(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  KvBinding* binding = binding_of(info);
  KvOptions options;
  if (binding == nullptr || !read_options(info, 3, options)) return;
  std::string bytes;
  std::span<uint8_t> view;
  if (info[2]->IsString()) {
    bytes = api::to_utf8(isolate, info[2]);
  } else if (api::bytes_of(info[2], view)) {
    bytes.assign(reinterpret_cast<const char*>(view.data()), view.size());
  }
  if (bytes.size() > limits::kKvValueBytes) {
    return info.GetReturnValue().Set(static_cast<double>(bytes.size()));
  }
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  const std::string key = key_of(info, 1);
  if (bytes.size() > limits::kKvInlineBytes) {
    std::make_shared<LargePut>(binding->context(), binding->open_sink(key, options),
                               std::move(bytes), *call)
        ->next();
    return;
  }
  binding->put(key, bytes, options, [call = *call](Result<> result) {
    if (!result) return call.fail(failure("PUT", result.error()));
    call.resolve_undefined();
  });
}

// kv_delete(index, key) -> promise
void kv_delete(const Info& info) {
  KvBinding* binding = binding_of(info);
  if (binding == nullptr) return;
  v8::Local<v8::Promise> promise;
  const auto call = start_call(info.GetIsolate(), promise);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  binding->erase(key_of(info, 1), [call = *call](Result<> result) {
    if (!result) return call.fail(failure("DELETE", result.error()));
    call.resolve_undefined();
  });
}

// [cursor, name, expiration or 0, metadata or "", name, …]
v8::MaybeLocal<v8::Value> make_page(v8::Isolate* isolate, const KvListed& page) {
  v8::LocalVector<v8::Value> flat(isolate);
  flat.push_back(api::js_text(isolate, page.cursor));
  for (const KvListed::Key& key : page.keys) {
    flat.push_back(api::js_text(isolate, key.name));
    flat.push_back(v8::Number::New(isolate, static_cast<double>(key.expiration)));
    flat.push_back(api::js_text(isolate, key.metadata));
  }
  return v8::Array::New(isolate, flat.data(), flat.size());
}

// kv_list(index, prefix, limit, cursor) -> promise of a page
void kv_list(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  KvBinding* binding = binding_of(info);
  if (binding == nullptr) return;
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  const uint32_t limit = info[2]->IsUint32() ? info[2].As<v8::Uint32>()->Value() : 0;
  binding->list(key_of(info, 1), limit, api::to_utf8(isolate, info[3]),
                [call = *call](Result<KvListed> page) {
                  if (!page) return call.fail(failure("GET", page.error()));
                  call.answer([page = std::make_shared<KvListed>(std::move(*page))](
                                  v8::Isolate* isolate, v8::Local<v8::Context>) {
                    return make_page(isolate, *page);
                  });
                });
}

// kv_sink_open(index, key, expiration, metadata) -> id
void kv_sink_open(const Info& info) {
  KvBinding* binding = binding_of(info);
  KvOptions options;
  if (binding == nullptr || !read_options(info, 2, options)) return;
  api::Event* event = require_subrequest(info.GetIsolate());
  if (event == nullptr) return;
  auto& sink = event->adopt(std::make_unique<SinkResource>(
      *event, binding->context(), binding->open_sink(key_of(info, 1), options)));
  info.GetReturnValue().Set(sink.id());
}

template <typename T>
T* own(const Info& info, api::Resource::Kind kind) {
  const uint32_t id = info[0]->IsUint32() ? info[0].As<v8::Uint32>()->Value() : 0;
  return static_cast<T*>(api::require_own_resource(info.GetIsolate(), id, kind));
}

// kv_sink_write(id, bytes) -> promise: the next may come; kv_sink_end(id) -> promise: it is stored
template <bool kEnd>
void kv_sink(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* sink = own<SinkResource>(info, api::Resource::Kind::kv_sink);
  if (sink == nullptr) return;
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise, Counts::no);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  const auto done = [call = *call](Result<> result) {
    if (!result) return call.fail(failure("PUT", result.error()));
    call.resolve_undefined();
  };
  if (kEnd) return KvBinding::end(sink->context, sink->sink, done);
  std::span<uint8_t> bytes;
  api::bytes_of(info[1], bytes);
  KvBinding::write(sink->context, sink->sink,
                   {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, done);
}

// kv_blob_read(id) -> promise of a Uint8Array, empty at the end
void kv_blob_read(const Info& info) {
  auto* blob = own<BlobResource>(info, api::Resource::Kind::kv_blob);
  if (blob == nullptr) return;
  v8::Local<v8::Promise> promise;
  const auto call = start_call(info.GetIsolate(), promise, Counts::no);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  blob->reader.read(kChunkBytes, [call = *call](Result<std::string> piece) {
    if (!piece) return call.fail(failure("GET", piece.error()));
    call.answer([piece = std::move(*piece)](v8::Isolate* isolate, v8::Local<v8::Context> context) {
      return make_value(isolate, context, Type::stream, piece);
    });
  });
}

}  // namespace

std::span<const api::Op> kv_ops() {
  static constexpr api::Op ops[] = {
      {"kv_get", kv_get},
      {"kv_put", kv_put},
      {"kv_delete", kv_delete},
      {"kv_list", kv_list},
      {"kv_sink_open", kv_sink_open},
      {"kv_sink_write", kv_sink<false>},
      {"kv_sink_end", kv_sink<true>},
      {"kv_blob_read", kv_blob_read},
  };
  return ops;
}

}  // namespace skep::bindings
