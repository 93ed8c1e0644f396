// request.signal of an incoming request: settles a promise of JavaScript when the client has gone.
// Made when the signal is first asked for; at most one an event.
#pragma once

#include <v8.h>

#include "api/event/resource.h"

namespace skep::api {

class ClientWatch final : public Resource {
 public:
  ClientWatch(Event& event, v8::Isolate* isolate, v8::Local<v8::Promise::Resolver> gone)
      : Resource(event, Kind::client_watch), gone_(isolate, gone) {}

  void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    if (gone_.IsEmpty()) return;
    auto resolver = gone_.Get(isolate);
    gone_.Reset();
    (void)resolver->Resolve(context, v8::Undefined(isolate));
  }

 private:
  v8::Global<v8::Promise::Resolver> gone_;
};

}  // namespace skep::api
