// Values between isolates: written by V8's serialiser in one, read in the other, with the
// capabilities that they hold beside the bytes. What V8 cannot write (functions, stubs, the
// platform's objects) JavaScript turns into something that it can (values.js). And what one isolate
// keeps for calls: the functions of the part rpc/rpc. On the loop's thread, in jobs.
#pragma once

#include <v8.h>

#include <array>
#include <memory>

#include "api/rpc/capability.h"
#include "api/rpc/service.h"
#include "api/runtime.h"

namespace skep::api {

// Functions of the part that native code calls, in the order in which it gives them.
enum class RpcFunction {
  encode,           // (object) -> [tag, value, how, x]
  decode,           // (tag, value, handle) -> object
  settle,           // (value) -> what the caller's promise is fulfilled with
  make_error,       // (description) -> what it is rejected with
  dispatch,         // an event's own call
  dispatch_export,  // a call of something given away
  dispose,          // nobody holds it any more
  count,
};

struct RpcState {
  std::array<v8::Global<v8::Function>, static_cast<size_t>(RpcFunction::count)> functions;
  v8::Global<v8::Value> object_prototype;
  Message outgoing;    // written last, not sent yet
  unsigned stubs = 0;  // held and given away, of all events
};

// Loads the part where it is not yet. Null with an exception pending.
RpcState* require_rpc(v8::Isolate* isolate, v8::Local<v8::Context> context);
v8::MaybeLocal<v8::Value> call_rpc(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                   RpcFunction which, std::span<v8::Local<v8::Value>> argv);

// False with an exception pending. failures: an array; what V8 cannot clone puts its message there.
bool write_message(v8::Isolate* isolate, v8::Local<v8::Context> context, v8::Local<v8::Value> value,
                   v8::Local<v8::Array> failures, Message& out);
// Stubs in it become the current event's.
v8::MaybeLocal<v8::Value> read_message(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                       const Message& message);
// Another worker's exception, of the text "Name: message" that the log has.
v8::Local<v8::Value> remote_error(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                  std::string_view text);
// ctx.props of an event that is for this entrypoint.
v8::MaybeLocal<v8::Value> entry_props(v8::Isolate* isolate, v8::Local<v8::Context> context,
                                      const EntryChoice& entry);

}  // namespace skep::api
