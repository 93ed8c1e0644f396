#include "api/rpc/stubs.h"

#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/rpc/answer.h"
#include "api/rpc/service_binding.h"
#include "api/rpc/values.h"
#include "api/runtime_impl.h"
#include "base/limits_rpc.h"

namespace skep::api {

// What other isolates hold of an Export: it may outlive that.
class ExportCapability final : public Capability {
 public:
  explicit ExportCapability(Export& target) : target_(&target) {}
  ~ExportCapability() override {
    if (target_) target_->released();
  }
  void call(std::shared_ptr<Call> call) override {
    if (!target_) return call->fail("Error", kCalleeCanceledMessage);
    target_->enqueue(std::move(call));
  }
  void lose() { target_ = nullptr; }

 private:
  Export* target_;
};

namespace {

// This very isolate, for ctx.exports.
class SelfService final : public Service {
 public:
  explicit SelfService(std::shared_ptr<Runtime::Impl*> self) : self_(std::move(self)) {}
  void acquire(Ready ready) override {
    if (!*self_) return ready(std::unexpected(std::string(kCalleeCanceledMessage)));
    ready(static_cast<Runtime*>((*self_)->tenant.attachment()));
  }

 private:
  const std::shared_ptr<Runtime::Impl*> self_;
};

// One stub more; false with an exception pending.
bool count_stub(v8::Isolate* isolate, Event& event) {
  RpcState* state = require_rpc(isolate, isolate->GetCurrentContext());
  if (!state) return false;
  if (event.stubs >= limits::kRpcStubsPerEvent || state->stubs >= limits::kRpcStubsPerIsolate) {
    throw_error(isolate,
                "Too many RPC stubs are in use at once. Dispose those that are not needed "
                "any more.");
    return false;
  }
  return true;
}

}  // namespace

HeldCapability::HeldCapability(Event& event, std::shared_ptr<Capability> held)
    : Resource(event, Kind::rpc_handle), capability(std::move(held)) {
  ++event.stubs;
  ++event.runtime().rpc->stubs;
}

HeldCapability::~HeldCapability() {
  --event().stubs;
  --event().runtime().rpc->stubs;
}

Export::Export(Event& event, v8::Isolate* isolate, v8::Local<v8::Value> target)
    : Resource(event, Kind::rpc_export), target_(isolate, target), on_released_([this] {
        released_ = true;
        this->event().wake_resource(*this);
      }) {
  ++event.stubs;
  ++event.runtime().rpc->stubs;
  event.hold();
}

Export::~Export() {
  if (capability_) capability_->lose();
  for (const auto& call : calls_) call->fail("Error", kCalleeCanceledMessage);
  --event().stubs;
  --event().runtime().rpc->stubs;
  event().unhold();
}

std::shared_ptr<Capability> Export::capability() {
  auto made = std::make_shared<ExportCapability>(*this);
  capability_ = made.get();
  return made;
}

void Export::enqueue(std::shared_ptr<Call> call) {
  if (calls_.size() >= limits::kRpcCallsQueued) {
    return call->fail("Error", "Too many RPC calls wait for this object.");
  }
  calls_.push_back(std::move(call));
  event().wake_resource(*this);  // `this` may be gone
}

void Export::released() {
  capability_ = nullptr;
  event().runtime().host.loop().defer(on_released_);
}

void Export::wake(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  const auto target = target_.Get(isolate);
  Event& own = event();
  while (!calls_.empty()) {
    auto call = std::move(calls_.front());
    calls_.pop_front();
    if (call->abandoned()) continue;
    if (!dispatch_to_export(own, isolate, context, target, std::move(call))) return;
  }
  if (!released_) return;
  v8::TryCatch caught(isolate);
  v8::Local<v8::Value> argv[] = {target};
  if (call_rpc(isolate, context, RpcFunction::dispose, argv).IsEmpty() && caught.HasTerminated()) {
    caught.ReThrow();
    return;
  }
  own.drop(*this);
}

v8::Maybe<std::shared_ptr<Capability>> take_capability(v8::Isolate* isolate,
                                                       v8::Local<v8::Context> context,
                                                       v8::Local<v8::Value> source,
                                                       v8::Local<v8::Value> x) {
  using Taken = std::shared_ptr<Capability>;
  const uint32_t number = x->IsUint32() ? x.As<v8::Uint32>()->Value() : 0;
  switch (
      static_cast<CapabilitySource>(source->IsUint32() ? source.As<v8::Uint32>()->Value() : 0)) {
    case CapabilitySource::held:
    case CapabilitySource::moved: {
      Resource* found = require_own_resource(isolate, number, Resource::Kind::rpc_handle);
      if (!found) return v8::Nothing<Taken>();
      return v8::Just(static_cast<HeldCapability*>(found)->capability);
    }
    case CapabilitySource::target: {
      Event* event = require_event(isolate);
      if (!event || !count_stub(isolate, *event)) return v8::Nothing<Taken>();
      auto& made = static_cast<Export&>(event->adopt(std::make_unique<Export>(*event, isolate, x)));
      return v8::Just(made.capability());
    }
    case CapabilitySource::own:
      if (!require_event(isolate)) return v8::Nothing<Taken>();
      return v8::Just(own_entrypoint(
          isolate, {.name = to_utf8(isolate, x), .props_json = {}, .props = nullptr}));
    case CapabilitySource::binding: {
      if (!require_event(isolate)) return v8::Nothing<Taken>();
      auto* binding = binding_at<ServiceBinding>(isolate, x);
      if (binding) return v8::Just<Taken>(binding->capability());
      break;
    }
  }
  throw_type_error(isolate, "Illegal invocation");
  return v8::Nothing<Taken>();
}

std::shared_ptr<Capability> own_entrypoint(v8::Isolate* isolate, EntryChoice entry) {
  return std::make_shared<EntrypointCapability>(
      std::make_shared<SelfService>(runtime_of(isolate).self), std::move(entry));
}

uint32_t hold_capability(v8::Isolate* isolate, std::shared_ptr<Capability> capability) {
  Event* event = require_event(isolate);
  if (!event || !count_stub(isolate, *event)) return 0;
  return event->adopt(std::make_unique<HeldCapability>(*event, std::move(capability))).id();
}

}  // namespace skep::api
