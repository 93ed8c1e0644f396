// What an event holds of others (stubs) and what others hold of it (exports): resources of the
// event, bounded, gone with it at the latest. On the loop's thread.
#pragma once

#include <v8.h>

#include <deque>
#include <memory>

#include "api/event/resource.h"
#include "api/rpc/capability.h"
#include "api/rpc/service.h"
#include "loop/loop.h"

namespace skep::api {

// A capability that the event holds. JavaScript knows it by the resource's id.
class HeldCapability final : public Resource {
 public:
  HeldCapability(Event& event, std::shared_ptr<Capability> capability);
  ~HeldCapability() override;
  void wake(v8::Isolate*, v8::Local<v8::Context>) override {}
  std::shared_ptr<Capability> capability;
};

class ExportCapability;

// An object of the event that others may call while they hold it.
class Export final : public Resource {
 public:
  Export(Event& event, v8::Isolate* isolate, v8::Local<v8::Value> target);
  ~Export() override;
  std::shared_ptr<Capability> capability();
  void enqueue(std::shared_ptr<Call> call);
  // Nobody holds it any more (anywhere).
  void released();
  void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) override;

 private:
  v8::Global<v8::Value> target_;
  std::deque<std::shared_ptr<Call>> calls_;
  ExportCapability* capability_ = nullptr;
  bool released_ = false;
  loop::Deferred on_released_;
};

// How the code below says where a capability comes from: numbers that values.js has too.
enum class CapabilitySource : uint32_t {
  held = 1,     // x: the id of a HeldCapability, which stays
  moved = 2,    // as held, and the stub is gone then
  target = 3,   // x: an object or function to be given away
  binding = 4,  // x: the index of a service binding in env
  own = 5,      // x: the name of an entrypoint of this worker
};
// Throws where it is another event's, or gone.
v8::Maybe<std::shared_ptr<Capability>> take_capability(v8::Isolate* isolate,
                                                       v8::Local<v8::Context> context,
                                                       v8::Local<v8::Value> source,
                                                       v8::Local<v8::Value> x);
// An entrypoint of the worker itself, for ctx.exports.
std::shared_ptr<Capability> own_entrypoint(v8::Isolate* isolate, EntryChoice entry);
// Its id in the current event; 0 with an exception pending.
uint32_t hold_capability(v8::Isolate* isolate, std::shared_ptr<Capability> capability);

}  // namespace skep::api
