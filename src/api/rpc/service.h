// A worker that others may call, as the runtime sees it: the shard implements it over the isolates
// that it has for that worker. A service binding holds one with the entrypoint and the props that
// the configuration says, so a worker reaches what its env holds and nothing else. On the loop's
// thread.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "api/rpc/capability.h"

namespace skep::api {

class Runtime;

class Service {
 public:
  virtual ~Service() = default;
  // Calls back once, at once or later, on the loop's stack: a runtime that takes events, or why
  // there is none. The runtime is valid within the call.
  using Ready = std::function<void(std::expected<Runtime*, std::string>)>;
  virtual void acquire(Ready ready) = 0;
};

// Which of a worker's entrypoints an event is for, and what its ctx.props are.
struct EntryChoice {
  std::string name;                      // "": the default export
  std::string props_json;                // of a configuration; "": none
  std::shared_ptr<const Message> props;  // of ctx.exports.Name({props}); null: none
};

class EntrypointCapability final : public Capability {
 public:
  EntrypointCapability(std::shared_ptr<Service> service, EntryChoice entry)
      : service(std::move(service)), entry(std::move(entry)) {}
  void call(std::shared_ptr<Call> call) override;
  bool is_entrypoint() const override { return true; }

  const std::shared_ptr<Service> service;
  const EntryChoice entry;
};

}  // namespace skep::api
