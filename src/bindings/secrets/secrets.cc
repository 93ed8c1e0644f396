#include "bindings/secrets/secrets.h"

#include <memory>
#include <string>

#include "api/base/values.h"
#include "bindings/call.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

// secrets_get(index) -> promise of the value
void secrets_get(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* binding = api::binding_at<StoreSecretBinding>(isolate, info[0]);
  if (binding == nullptr) {
    api::throw_type_error(isolate, "Illegal invocation");
    return;
  }
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  auto answer = binding->client.getRequest().send().then([](auto&& response) {
    const auto value = response.getValue();
    return std::string(value.begin(), value.size());
  });
  binding->context.tasks.add(
      rpc::when_done(kj::mv(answer), [call = *call](Result<std::string> value) {
        if (!value) return call.fail(value.error().message);
        call.answer([value = std::move(*value)](
                        v8::Isolate* isolate, v8::Local<v8::Context>) -> v8::MaybeLocal<v8::Value> {
          return api::js_text(isolate, value);
        });
      }));
}

}  // namespace

std::span<const api::Op> secrets_ops() {
  static constexpr api::Op ops[] = {{"secrets_get", secrets_get}};
  return ops;
}

}  // namespace skep::bindings
