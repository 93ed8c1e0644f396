// What the inspection of values (console/inspect.part.js) cannot find out in JavaScript: what an
// object is by its internal slots, and what stands in those.
#include "api/base/values.h"
#include "api/parts/parts.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// As in inspect.part.js.
enum class Kind : uint32_t {
  plain,
  arguments,
  array_buffer,
  boxed,
  data_view,
  date,
  error,
  generator,
  map,
  module,
  promise,
  proxy,
  regexp,
  set,
  typed,
  weak,
  async_function,
  generator_function,
  iterator,
};

Kind kind_of(v8::Local<v8::Value> value) {
  if (value->IsProxy()) return Kind::proxy;
  if (value->IsFunction()) {
    if (value->IsGeneratorFunction()) return Kind::generator_function;
    return value->IsAsyncFunction() ? Kind::async_function : Kind::plain;
  }
  if (value->IsArray()) return Kind::plain;
  if (value->IsTypedArray()) return Kind::typed;
  if (value->IsMap()) return Kind::map;
  if (value->IsSet()) return Kind::set;
  if (value->IsNativeError()) return Kind::error;
  if (value->IsPromise()) return Kind::promise;
  if (value->IsDate()) return Kind::date;
  if (value->IsRegExp()) return Kind::regexp;
  if (value->IsArrayBuffer()) return Kind::array_buffer;
  if (value->IsDataView()) return Kind::data_view;
  if (value->IsArgumentsObject()) return Kind::arguments;
  if (value->IsWeakMap() || value->IsWeakSet()) return Kind::weak;
  if (value->IsNumberObject() || value->IsStringObject() || value->IsBooleanObject() ||
      value->IsSymbolObject() || value->IsBigIntObject()) {
    return Kind::boxed;
  }
  if (value->IsModuleNamespaceObject()) return Kind::module;
  if (value->IsMapIterator() || value->IsSetIterator()) return Kind::iterator;
  if (value->IsGeneratorObject()) return Kind::generator;
  return Kind::plain;
}

// inspect_kind(value) -> Kind
void inspect_kind(const Info& info) {
  info.GetReturnValue().Set(static_cast<uint32_t>(kind_of(info[0])));
}

// inspect_proxy_target(proxy) -> its target, null of one that is revoked
void inspect_proxy_target(const Info& info) {
  if (info[0]->IsProxy()) info.GetReturnValue().Set(info[0].As<v8::Proxy>()->GetTarget());
}

// inspect_promise(promise) -> [state, result]: state 0 pending, 1 fulfilled, 2 rejected
void inspect_promise(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!info[0]->IsPromise()) return;
  auto promise = info[0].As<v8::Promise>();
  const auto state = promise->State();
  v8::Local<v8::Value> pair[2] = {v8::Integer::New(isolate, static_cast<int>(state)),
                                  v8::Undefined(isolate)};
  if (state != v8::Promise::kPending) pair[1] = promise->Result();
  info.GetReturnValue().Set(v8::Array::New(isolate, pair, 2));
}

// inspect_keys(object, skip indices) -> its own enumerable keys
void inspect_keys(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Array> keys;
  if (!info[0]->IsObject() || info[0]->IsProxy()) {
    return info.GetReturnValue().Set(v8::Array::New(isolate));
  }
  const auto indices =
      info[1]->IsTrue() ? v8::IndexFilter::kSkipIndices : v8::IndexFilter::kIncludeIndices;
  if (info[0]
          .As<v8::Object>()
          ->GetPropertyNames(isolate->GetCurrentContext(), v8::KeyCollectionMode::kOwnOnly,
                             v8::PropertyFilter::ONLY_ENUMERABLE, indices,
                             v8::KeyConversionMode::kConvertToString)
          .ToLocal(&keys)) {
    info.GetReturnValue().Set(keys);
  }
}

constexpr uint32_t kHoleStep = 10'000;

// Where the hole that begins at `from` ends.
void end_of_hole(const Info& info, v8::Local<v8::Array> array, uint32_t from) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const uint32_t length = array->Length();
  // Short ones are walked through; for others the array's indices are asked for.
  const uint32_t near = length - from > kHoleStep ? from + kHoleStep : length;
  for (uint32_t i = from; i < near; ++i) {
    if (array->HasRealIndexedProperty(context, i).FromMaybe(true)) {
      return info.GetReturnValue().Set(i);
    }
  }
  if (near == length) return info.GetReturnValue().Set(length);
  v8::Local<v8::Array> indices;
  if (!array
           ->GetPropertyNames(context, v8::KeyCollectionMode::kOwnOnly,
                              v8::PropertyFilter::ALL_PROPERTIES, v8::IndexFilter::kIncludeIndices,
                              v8::KeyConversionMode::kKeepNumbers)
           .ToLocal(&indices)) {
    return;
  }
  uint32_t end = length;
  for (uint32_t i = 0; i < indices->Length(); ++i) {
    v8::Local<v8::Value> key;
    if (!indices->Get(context, i).ToLocal(&key)) return;
    if (!key->IsUint32()) continue;
    const uint32_t index = key.As<v8::Uint32>()->Value();
    if (index >= from) end = std::min(end, index);
  }
  info.GetReturnValue().Set(end);
}

// inspect_entries(array, from) -> the end of the hole at `from`; of a boxed primitive: the
// primitive; of an iterator of a Map or Set: [what it has not given yet, whether those are keys and
// values]
void inspect_entries(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Value> value = info[0];
  if (value->IsArray() && info[1]->IsUint32()) {
    return end_of_hole(info, value.As<v8::Array>(), info[1].As<v8::Uint32>()->Value());
  }
  if (value->IsNumberObject()) {
    return info.GetReturnValue().Set(value.As<v8::NumberObject>()->ValueOf());
  }
  if (value->IsStringObject()) {
    return info.GetReturnValue().Set(value.As<v8::StringObject>()->ValueOf());
  }
  if (value->IsBooleanObject()) {
    return info.GetReturnValue().Set(value.As<v8::BooleanObject>()->ValueOf());
  }
  if (value->IsSymbolObject()) {
    return info.GetReturnValue().Set(value.As<v8::SymbolObject>()->ValueOf());
  }
  if (value->IsBigIntObject()) {
    return info.GetReturnValue().Set(value.As<v8::BigIntObject>()->ValueOf());
  }
  if (!value->IsMapIterator() && !value->IsSetIterator()) return;
  bool pairs = false;
  v8::Local<v8::Array> list;
  if (!value.As<v8::Object>()->PreviewEntries(&pairs).ToLocal(&list)) return;
  v8::Local<v8::Value> result[2] = {list, v8::Boolean::New(isolate, pairs)};
  info.GetReturnValue().Set(v8::Array::New(isolate, result, 2));
}

}  // namespace

std::span<const Op> inspect_ops() {
  static constexpr Op ops[] = {{"inspect_entries", inspect_entries},
                               {"inspect_keys", inspect_keys},
                               {"inspect_kind", inspect_kind},
                               {"inspect_promise", inspect_promise},
                               {"inspect_proxy_target", inspect_proxy_target}};
  return ops;
}

}  // namespace skep::api
