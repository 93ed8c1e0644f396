#include "bindings/ratelimit/ratelimit.h"

#include "api/base/values.h"
#include "base/limits_cron.h"
#include "bindings/call.h"
#include "rpc/outcome.h"

namespace skep::bindings {
namespace {

// ratelimit_limit(index, key) -> promise of whether there is room
void ratelimit_limit(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* binding = api::binding_at<RateLimitBinding>(isolate, info[0]);
  if (binding == nullptr) {
    api::throw_type_error(isolate, "Illegal invocation");
    return;
  }
  const std::string key = api::to_utf8(isolate, info[1]);
  if (key.size() > limits::kRateLimitKeyBytes) {
    api::throw_range_error(isolate, "the key of a rate limit is too long");
    return;
  }
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  auto request = binding->client.limitRequest();
  request.setKey({reinterpret_cast<const kj::byte*>(key.data()), key.size()});
  auto answer = request.send().then([](auto&& response) { return response.getSuccess(); });
  binding->context.tasks.add(rpc::when_done(kj::mv(answer), [call = *call](Result<bool> success) {
    if (!success) return call.fail(success.error().message);
    call.answer([success = *success](v8::Isolate* isolate,
                                     v8::Local<v8::Context>) -> v8::MaybeLocal<v8::Value> {
      return v8::Boolean::New(isolate, success);
    });
  }));
}

}  // namespace

std::span<const api::Op> ratelimit_ops() {
  static constexpr api::Op ops[] = {{"ratelimit_limit", ratelimit_limit}};
  return ops;
}

}  // namespace skep::bindings
