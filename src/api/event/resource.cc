// Resources of events: adopting, waking, dropping. The rest of Event stands in event.cc.
#include "api/event/resource.h"

#include <algorithm>

#include "api/base/values.h"
#include "api/event/client_watch.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/runtime_impl.h"
#include "base/assert.h"

namespace skep::api {

Resource& Event::adopt(std::unique_ptr<Resource> resource) {
  SKEP_ASSERT(&resource->event_ == this);
  // Ids wrap after 2^30: V8 keeps them as small integers.
  do {
    runtime_.last_resource_id = runtime_.last_resource_id % ((1u << 30) - 1) + 1;
  } while (runtime_.resources.contains(runtime_.last_resource_id));
  resource->id_ = runtime_.last_resource_id;
  runtime_.resources[resource->id_] = resource.get();
  resources_.push_back(std::move(resource));
  return *resources_.back();
}

void Event::drop(Resource& resource) {
  auto found = std::find_if(resources_.begin(), resources_.end(),
                            [&](const auto& own) { return own.get() == &resource; });
  SKEP_ASSERT(found != resources_.end());
  runtime_.resources.erase(resource.id_);
  // Destroyed on the loop's stack: this may be called by the resource itself, inside a job.
  dropped_.push_back(std::move(*found));
  std::swap(*found, resources_.back());
  resources_.pop_back();
  touch();
}

void Event::forget_resources() {
  for (const auto& resource : resources_) runtime_.resources.erase(resource->id_);
  dropped_.clear();
  if (std::exchange(client_watch_, nullptr)) remove_pending();
  resources_.clear();
}

void Event::wake_resource(Resource& resource) {
  if (std::exchange(resource.wake_due_, true)) return;
  woken_.push_back(resource.id_);
  wake();
}

// False when JavaScript was terminated.
bool Event::run_resources(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  for (size_t i = 0; i < woken_.size() && !stopped_; i++) {
    // Any of them may drop any other, and more may be woken meanwhile.
    const uint32_t id = woken_[i];
    auto found = runtime_.resources.find(id);
    if (found == runtime_.resources.end()) continue;
    v8::HandleScope scope(isolate);
    found->second->wake_due_ = false;
    enter_event(isolate, id_);
    found->second->wake(isolate, context);
    if (!runtime_.drain(isolate, context)) return false;
  }
  woken_.clear();
  return true;
}

v8::MaybeLocal<v8::Promise> Event::when_client_gone(v8::Local<v8::Context> context) {
  if (!channel_ || client_watch_) return {};
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) return {};
  auto watch = std::make_unique<ClientWatch>(*this, isolate, resolver);
  client_watch_ = static_cast<ClientWatch*>(&adopt(std::move(watch)));
  add_pending();  // an event that waits for the client to go is not one that hangs
  return resolver->GetPromise();
}

Resource* find_resource(v8::Isolate* isolate, uint32_t id, Resource::Kind kind) {
  Runtime* runtime = id == 0 ? nullptr : Runtime::from(isolate);
  if (!runtime) return nullptr;
  auto found = runtime->impl().resources.find(id);
  if (found == runtime->impl().resources.end() || found->second->kind() != kind) return nullptr;
  return found->second;
}

Resource* require_own_resource(v8::Isolate* isolate, uint32_t id, Resource::Kind kind) {
  Event* event = require_event(isolate);
  if (!event) return nullptr;
  Resource* resource = find_resource(isolate, id, kind);
  if (!resource) {
    throw_error(isolate, kContextEndedMessage);
    return nullptr;
  }
  if (&resource->event() != event) {
    throw_error(isolate, kCrossRequestMessage);
    return nullptr;
  }
  return resource;
}

}  // namespace skep::api
