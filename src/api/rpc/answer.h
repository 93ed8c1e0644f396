// The callee's side of a call: the event that a call of an entrypoint begins, the calls of what an
// event has given away, and the answers to both. On the loop's thread.
#pragma once

#include <v8.h>

#include <memory>

#include "api/event/event.h"
#include "api/event/resource.h"
#include "api/rpc/capability.h"

namespace skep::api {

inline constexpr const char* kCalleeCanceledMessage =
    "The execution context responding to this call was canceled.";

// A call whose answer JavaScript will give (rpc_return, rpc_throw). JavaScript knows it by its id.
class OpenCall final : public Resource {
 public:
  // starts_event: the call that began the event, whose end tells the caller why where it was not
  // answered.
  OpenCall(Event& event, std::shared_ptr<Call> call, bool starts_event);
  ~OpenCall() override;
  void wake(v8::Isolate*, v8::Local<v8::Context>) override {}
  const std::shared_ptr<Call> call;

 private:
  const bool starts_event_;
};

// Has JavaScript call `target`, which the event has given away. False when it was terminated.
bool dispatch_to_export(Event& event, v8::Isolate* isolate, v8::Local<v8::Context> context,
                        v8::Local<v8::Value> target, std::shared_ptr<Call> call);

}  // namespace skep::api
