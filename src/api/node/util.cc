// Ops of node:util/types: what V8 knows of a value and JavaScript cannot find out by itself.
#include "api/node/ops.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

template <bool (v8::Value::*is)() const>
void value_is(const Info& info) {
  info.GetReturnValue().Set((*info[0]->*is)());
}

}  // namespace

std::span<const Op> node_util_ops() {
  static constexpr Op ops[] = {
      {"isArgumentsObject", value_is<&v8::Value::IsArgumentsObject>},
      {"isArrayBuffer", value_is<&v8::Value::IsArrayBuffer>},
      {"isAsyncFunction", value_is<&v8::Value::IsAsyncFunction>},
      {"isBigIntObject", value_is<&v8::Value::IsBigIntObject>},
      {"isBooleanObject", value_is<&v8::Value::IsBooleanObject>},
      {"isDataView", value_is<&v8::Value::IsDataView>},
      {"isDate", value_is<&v8::Value::IsDate>},
      {"isExternal", value_is<&v8::Value::IsExternal>},
      {"isGeneratorFunction", value_is<&v8::Value::IsGeneratorFunction>},
      {"isGeneratorObject", value_is<&v8::Value::IsGeneratorObject>},
      {"isMap", value_is<&v8::Value::IsMap>},
      {"isMapIterator", value_is<&v8::Value::IsMapIterator>},
      {"isModuleNamespaceObject", value_is<&v8::Value::IsModuleNamespaceObject>},
      {"isNativeError", value_is<&v8::Value::IsNativeError>},
      {"isNumberObject", value_is<&v8::Value::IsNumberObject>},
      {"isPromise", value_is<&v8::Value::IsPromise>},
      {"isProxy", value_is<&v8::Value::IsProxy>},
      {"isRegExp", value_is<&v8::Value::IsRegExp>},
      {"isSet", value_is<&v8::Value::IsSet>},
      {"isSetIterator", value_is<&v8::Value::IsSetIterator>},
      {"isSharedArrayBuffer", value_is<&v8::Value::IsSharedArrayBuffer>},
      {"isStringObject", value_is<&v8::Value::IsStringObject>},
      {"isSymbolObject", value_is<&v8::Value::IsSymbolObject>},
      {"isWeakMap", value_is<&v8::Value::IsWeakMap>},
      {"isWeakSet", value_is<&v8::Value::IsWeakSet>},
  };
  return ops;
}

}  // namespace skep::api
