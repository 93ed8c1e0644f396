// One asynchronous call of a binding: a promise in JavaScript, an answer from outside. It belongs
// to the event that made it and counts as one of its subrequests; when the event ends, the answer
// comes to nobody. In the shard, on the loop's thread.
#pragma once

#include <v8.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/event/event.h"
#include "api/event/resource.h"
#include "base/result.h"

namespace skep::bindings {

// Makes the value that the promise is fulfilled with, in a job of the event; where it gives
// nothing, the exception that it threw is the promise's reason.
using CallAnswer = std::function<v8::MaybeLocal<v8::Value>(v8::Isolate*, v8::Local<v8::Context>)>;

// Whether a call is an operation of its own, or a part of one that was counted.
enum class Counts : bool { no, yes };

class Call;

// How an answer finds its call. Copies are of the same call.
class CallHandle {
 public:
  // Once, on the loop's stack. Of a call whose event is over: nothing happens.
  void answer(CallAnswer answer) const;
  void resolve_undefined() const;
  // Rejects with an Error of that message.
  void fail(std::string message) const;

 private:
  friend class Call;
  friend std::optional<CallHandle> start_call(v8::Isolate*, v8::Local<v8::Promise>&, Counts);
  explicit CallHandle(std::shared_ptr<Call*> call) : call_(std::move(call)) {}
  std::shared_ptr<Call*> call_;
};

// Starts a call in the current event. nullopt with Workers' error thrown: at top level, after the
// event's end, or where it has made too many subrequests.
std::optional<CallHandle> start_call(v8::Isolate* isolate, v8::Local<v8::Promise>& promise,
                                     Counts counts = Counts::yes);

// The event, for what a binding answers at once: throws as start_call does, and counts.
api::Event* require_subrequest(v8::Isolate* isolate, Counts counts = Counts::yes);

}  // namespace skep::bindings
