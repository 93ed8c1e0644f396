// What an event holds outside of JavaScript and what may wake it: a subrequest, a socket. It ends
// with its event at the latest. JavaScript knows it by a small integer, unique in the isolate.
// Owned by the Event (Event::adopt); on the loop's thread.
#pragma once

#include <v8.h>

#include <cstdint>

namespace skep::api {

class Event;

class Resource {
 public:
  // Kinds, so that an id of one is not taken for the other.
  enum class Kind : uint8_t {
    subrequest,
    web_socket,
    socket,
    client_watch,
    binding_call,
    kv_blob,
    kv_sink,
    asset_body,
    rpc_call,
    rpc_answer,
    rpc_export,
    rpc_handle,
    rpc_message,
  };

  Resource(Event& event, Kind kind) : event_(event), kind_(kind) {}
  virtual ~Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;

  uint32_t id() const { return id_; }
  Kind kind() const { return kind_; }
  Event& event() { return event_; }

  // After Event::wake_resource: in a job of the event, to settle promises and call JavaScript. The
  // microtasks that follow from it run when it returns.
  virtual void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) = 0;

 private:
  friend class Event;
  Event& event_;
  const Kind kind_;
  uint32_t id_ = 0;
  bool wake_due_ = false;
};

// The resource `id` of that kind whose event is alive; null otherwise.
Resource* find_resource(v8::Isolate* isolate, uint32_t id, Resource::Kind kind);
// As find_resource; throws Workers' error where it belongs to another event or its event is over.
Resource* require_own_resource(v8::Isolate* isolate, uint32_t id, Resource::Kind kind);

}  // namespace skep::api
