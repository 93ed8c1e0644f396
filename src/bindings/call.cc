#include "bindings/call.h"

#include <utility>

#include "api/base/values.h"
#include "api/runtime_impl.h"

namespace skep::bindings {

class Call final : public api::Resource {
 public:
  Call(api::Event& event, v8::Isolate* isolate, v8::Local<v8::Promise::Resolver> resolver)
      : Resource(event, Kind::binding_call),
        handle_(std::make_shared<Call*>(this)),
        resolver_(isolate, resolver) {
    event.add_pending();
  }
  ~Call() override {
    *handle_ = nullptr;
    if (pending_) event().remove_pending();
  }

  const std::shared_ptr<Call*>& handle() const { return handle_; }

  void answer(CallAnswer answer) {
    answer_ = std::move(answer);
    *handle_ = nullptr;
    pending_ = false;
    event().remove_pending();
    event().wake_resource(*this);  // `this` may be gone
  }

  void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    auto resolver = resolver_.Get(isolate);
    v8::TryCatch caught(isolate);
    v8::Local<v8::Value> value;
    if (answer_(isolate, context).ToLocal(&value)) {
      (void)resolver->Resolve(context, value);
    } else if (caught.HasCaught() && !caught.HasTerminated()) {
      v8::Local<v8::Value> reason = caught.Exception();
      caught.Reset();
      (void)resolver->Reject(context, reason);
    } else {
      return;  // terminated: the event ends
    }
    event().drop(*this);
  }

 private:
  std::shared_ptr<Call*> handle_;
  v8::Global<v8::Promise::Resolver> resolver_;
  CallAnswer answer_;
  bool pending_ = true;  // counted in the event
};

void CallHandle::answer(CallAnswer answer) const {
  if (*call_ != nullptr) (*call_)->answer(std::move(answer));
}

void CallHandle::resolve_undefined() const {
  answer([](v8::Isolate* isolate, v8::Local<v8::Context>) -> v8::MaybeLocal<v8::Value> {
    return v8::Undefined(isolate);
  });
}

void CallHandle::fail(std::string message) const {
  answer([message = std::move(message)](v8::Isolate* isolate,
                                        v8::Local<v8::Context>) -> v8::MaybeLocal<v8::Value> {
    api::throw_error(isolate, message);
    return {};
  });
}

api::Event* require_subrequest(v8::Isolate* isolate, Counts counts) {
  api::Event* event = api::require_event(isolate);
  if (event == nullptr || counts == Counts::no) return event;
  if (event->subrequests >= event->runtime().options.subrequests) {
    api::throw_error(isolate, "Too many subrequests.");
    return nullptr;
  }
  event->subrequests++;
  return event;
}

std::optional<CallHandle> start_call(v8::Isolate* isolate, v8::Local<v8::Promise>& promise,
                                     Counts counts) {
  api::Event* event = require_subrequest(isolate, counts);
  v8::Local<v8::Promise::Resolver> resolver;
  if (event == nullptr ||
      !v8::Promise::Resolver::New(isolate->GetCurrentContext()).ToLocal(&resolver)) {
    return std::nullopt;
  }
  promise = resolver->GetPromise();
  auto& call = static_cast<Call&>(event->adopt(std::make_unique<Call>(*event, isolate, resolver)));
  return CallHandle(call.handle());
}

}  // namespace skep::bindings
