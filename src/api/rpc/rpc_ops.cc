// Ops of the part rpc/rpc: writing values, calling, answering, stubs. Ids come from JavaScript and
// are checked here: they must be of the current event.
#include <fmt/format.h>

#include "api/base/ops.h"
#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/event.h"
#include "api/event/report.h"
#include "api/rpc/answer.h"
#include "api/rpc/stubs.h"
#include "api/rpc/values.h"
#include "api/runtime_impl.h"
#include "base/limits_rpc.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

uint32_t id_argument(const Info& info, int index) {
  return info[index]->IsUint32() ? info[index].As<v8::Uint32>()->Value() : 0;
}

// A call that the event waits for.
class PendingCall final : public Resource, private Caller {
 public:
  PendingCall(Event& event, v8::Isolate* isolate, v8::Local<v8::Promise::Resolver> resolver,
              std::shared_ptr<Capability> target, std::shared_ptr<Call> call)
      : Resource(event, Kind::rpc_call),
        resolver_(isolate, resolver),
        target_(std::move(target)),
        call_(std::move(call)),
        deliver_([this] { deliver(); }),
        arrive_([this] {
          pending_ = false;
          this->event().remove_pending();
          this->event().wake_resource(*this);
        }) {
    event.add_pending();
    call_->set_caller(this);
    // The callee is not entered from within the caller's JavaScript.
    event.runtime().host.loop().defer(deliver_);
  }
  ~PendingCall() override {
    if (pending_) event().remove_pending();
    if (!call_->answered()) call_->abandon();
    call_->set_caller(nullptr);
  }

  void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) override {
    auto resolver = resolver_.Get(isolate);
    Event& own = event();
    Answer answer = call_->take_answer();
    v8::TryCatch caught(isolate);
    v8::Local<v8::Value> value;
    const bool good = value_of(isolate, context, answer).ToLocal(&value);
    if (!good && (caught.HasTerminated() || !caught.HasCaught())) {
      caught.ReThrow();
      return;
    }
    if (!good) value = caught.Exception();
    caught.Reset();
    own.drop(*this);
    if (good && !answer.failed) {
      (void)resolver->Resolve(context, value);
    } else {
      (void)resolver->Reject(context, value);
    }
  }

 private:
  void deliver() { std::exchange(target_, nullptr)->call(call_); }

  void answered() override { event().runtime().host.loop().defer(arrive_); }

  static v8::MaybeLocal<v8::Value> value_of(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                            const Answer& answer) {
    v8::Local<v8::Value> argv[] = {v8::Undefined(isolate), v8::Undefined(isolate),
                                   v8::Undefined(isolate)};
    if (answer.value.bytes) {
      if (!read_message(isolate, context, answer.value).ToLocal(&argv[0])) return {};
    }
    if (!answer.failed) {
      return call_rpc(isolate, context, RpcFunction::settle, std::span(argv, 1));
    }
    // Without a name it is a text of the log's.
    if (!answer.value.bytes && answer.error_name.empty()) {
      return remote_error(isolate, context, answer.error_message);
    }
    argv[1] = js_text(isolate, answer.error_name);
    argv[2] = js_text(isolate, answer.error_message);
    return call_rpc(isolate, context, RpcFunction::make_error, argv);
  }

  v8::Global<v8::Promise::Resolver> resolver_;
  std::shared_ptr<Capability> target_;
  const std::shared_ptr<Call> call_;
  loop::Deferred deliver_, arrive_;
  bool pending_ = true;  // counted in the event
};

// A message that is to be sent later.
class HeldMessage final : public Resource {
 public:
  HeldMessage(Event& event, Message held)
      : Resource(event, Kind::rpc_message), message(std::move(held)) {}
  void wake(v8::Isolate*, v8::Local<v8::Context>) override {}
  Message message;
};

// rpc_setup(object_prototype, encode, decode, …): the part's functions, as RpcFunction lists them
void rpc_setup(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto state = std::make_shared<RpcState>();
  state->object_prototype.Reset(isolate, info[0]);
  for (size_t i = 0; i < state->functions.size(); ++i) {
    state->functions[i].Reset(isolate, info[static_cast<int>(i) + 1].As<v8::Function>());
  }
  runtime_of(isolate).rpc = std::move(state);
}

// rpc_write(value, failures): serialises it; the next op that sends takes it
void rpc_write(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!require_event(isolate)) return;
  Message message;
  if (!write_message(isolate, isolate->GetCurrentContext(), info[0], info[1].As<v8::Array>(),
                     message)) {
    return;
  }
  runtime_of(isolate).rpc->outgoing = std::move(message);
}

// rpc_hold() -> id of what rpc_write wrote
void rpc_hold(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  Event* event = require_event(isolate);
  if (!event) return;
  Message message = std::move(runtime_of(isolate).rpc->outgoing);
  info.GetReturnValue().Set(
      event->adopt(std::make_unique<HeldMessage>(*event, std::move(message))).id());
}

bool take_path(const Info& info, int index, Call& call) {
  v8::Isolate* isolate = info.GetIsolate();
  auto names = info[index].As<v8::Array>();
  if (names->Length() > limits::kRpcPathDepth) {
    throw_type_error(isolate, fmt::format("RPC pipelined property path is too deep (max {}).",
                                          limits::kRpcPathDepth));
    return false;
  }
  for (uint32_t i = 0; i < names->Length(); ++i) {
    v8::Local<v8::Value> name;
    if (!names->Get(isolate->GetCurrentContext(), i).ToLocal(&name)) return false;
    call.path.push_back(to_utf8(isolate, name));
    if (call.path.back().size() > limits::kRpcNameBytes) {
      throw_type_error(isolate, "The name of an RPC method is too long.");
      return false;
    }
  }
  return true;
}

// rpc_call(how, x, path, call, held) -> promise. how, x: as CapabilitySource. call: false asks for
// the property. held: the arguments' id; 0: what rpc_write wrote.
void rpc_call(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  Event* event = require_event(isolate);
  if (!event || !require_rpc(isolate, context)) return;
  auto call = std::make_shared<Call>();
  call->operation = info[3]->IsTrue() ? Operation::call : Operation::get;
  if (!take_path(info, 2, *call)) return;
  std::shared_ptr<Capability> target;
  if (!take_capability(isolate, context, info[0], info[1]).To(&target)) return;
  if (call->operation == Operation::call) {
    if (const uint32_t held = id_argument(info, 4)) {
      auto* message = static_cast<HeldMessage*>(
          require_own_resource(isolate, held, Resource::Kind::rpc_message));
      if (!message) return;
      call->arguments = std::move(message->message);
      event->drop(*message);
    } else {
      call->arguments = std::move(runtime_of(isolate).rpc->outgoing);
    }
  }
  if (target->is_entrypoint()) {
    if (event->subrequests >= event->runtime().options.subrequests) {
      return throw_error(isolate, "Too many subrequests.");
    }
    if (event->depth >= limits::kNestedWorkerCalls) return throw_error(isolate, kTooDeepMessage);
    event->subrequests++;
  }
  call->depth = event->depth + 1;
  call->request_id = event->request_id();
  call->caller_life = event->life();
  v8::Local<v8::Promise::Resolver> resolver;
  if (!v8::Promise::Resolver::New(context).ToLocal(&resolver)) return;
  event->adopt(
      std::make_unique<PendingCall>(*event, isolate, resolver, std::move(target), std::move(call)));
  info.GetReturnValue().Set(resolver->GetPromise());
}

// Null where it is answered, or its event is over, or was ended by force.
OpenCall* open_call(const Info& info) {
  Resource* found =
      find_resource(info.GetIsolate(), id_argument(info, 0), Resource::Kind::rpc_answer);
  return found && !found->event().stopped() ? static_cast<OpenCall*>(found) : nullptr;
}

// rpc_answer(id, failed): with what rpc_write wrote
void rpc_answer(const Info& info) {
  OpenCall* open = open_call(info);
  if (!open) return;
  Message message = std::move(runtime_of(info.GetIsolate()).rpc->outgoing);
  open->call->answer({.failed = info[1]->IsTrue(),
                      .value = std::move(message),
                      .error_name = {},
                      .error_message = {}});
  open->event().drop(*open);
}

// rpc_fail(id, name, message): where the error itself cannot be written
void rpc_fail(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  OpenCall* open = open_call(info);
  if (!open) return;
  open->call->fail(to_utf8(isolate, info[1]), to_utf8(isolate, info[2]));
  open->event().drop(*open);
}

// rpc_stub(how, x) -> id of one more stub of it
void rpc_stub(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  std::shared_ptr<Capability> capability;
  if (!require_event(isolate) || !require_rpc(isolate, context) ||
      !take_capability(isolate, context, info[0], info[1]).To(&capability)) {
    return;
  }
  if (const uint32_t id = hold_capability(isolate, std::move(capability))) {
    info.GetReturnValue().Set(id);
  }
}

// rpc_drop(id): the event holds it no more
void rpc_drop(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const uint32_t id = id_argument(info, 0);
  if (Resource* held = find_resource(isolate, id, Resource::Kind::rpc_handle)) {
    held->event().drop(*held);
  }
}

// rpc_loopback(name) -> id of a stub of this worker's own entrypoint, whose props rpc_write wrote
void rpc_loopback(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!require_event(isolate) || !require_rpc(isolate, isolate->GetCurrentContext())) return;
  Message& outgoing = runtime_of(isolate).rpc->outgoing;
  auto capability =
      own_entrypoint(isolate, {.name = to_utf8(isolate, info[0]),
                               .props_json = {},
                               .props = std::make_shared<const Message>(std::move(outgoing))});
  if (const uint32_t id = hold_capability(isolate, std::move(capability))) {
    info.GetReturnValue().Set(id);
  }
}

}  // namespace

std::span<const Op> rpc_ops() {
  static constexpr Op ops[] = {
      {"rpc_setup", rpc_setup}, {"rpc_write", rpc_write},   {"rpc_hold", rpc_hold},
      {"rpc_call", rpc_call},   {"rpc_answer", rpc_answer}, {"rpc_fail", rpc_fail},
      {"rpc_stub", rpc_stub},   {"rpc_drop", rpc_drop},     {"rpc_loopback", rpc_loopback},
  };
  return ops;
}

}  // namespace skep::api
