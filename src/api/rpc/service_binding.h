// A service binding: a member of env that is an entrypoint of another worker. Made by whoever knows
// the other workers (the shard); shared by the isolates of a version.
#pragma once

#include <memory>
#include <utility>

#include "api/binding.h"
#include "api/rpc/service.h"

namespace skep::api {

class ServiceBinding final : public Binding {
 public:
  static constexpr char kKind = 0;

  explicit ServiceBinding(std::shared_ptr<EntrypointCapability> capability)
      : capability_(std::move(capability)) {}
  std::string_view part() const override { return "service/service"; }
  const void* kind() const override { return &kKind; }
  const std::shared_ptr<EntrypointCapability>& capability() const { return capability_; }

 private:
  std::shared_ptr<EntrypointCapability> capability_;
};

}  // namespace skep::api
