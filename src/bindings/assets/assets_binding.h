// The ASSETS member of env: a way to the site of the worker itself. On the loop's thread.
#pragma once

#include <memory>
#include <span>

#include "api/base/ops.h"
#include "api/binding.h"
#include "bindings/assets/site.h"

namespace skep::bindings {

std::span<const api::Op> assets_ops();

class AssetsBinding final : public api::Binding {
 public:
  static constexpr char kKind = 0;
  explicit AssetsBinding(std::shared_ptr<AssetSite> site_in) : site(std::move(site_in)) {}
  ~AssetsBinding() override = default;
  std::string_view part() const override { return "assets/assets"; }
  const void* kind() const override { return &kKind; }

  const std::shared_ptr<AssetSite> site;
};

}  // namespace skep::bindings
