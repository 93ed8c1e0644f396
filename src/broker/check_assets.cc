#include "broker/check_assets.h"

#include "base/limits.h"
#include "bindings/assets/broker/asset_folder.h"
#include "config/files.h"

namespace skep::broker {

std::vector<config::Diagnostic> check_assets(const config::WorkerConfig& config) {
  if (!config.assets) return {};
  config::Diagnostics diagnostics;
  const std::string path =
      config::normal_path(config::join_path(config.dir, config.assets->directory));
  const auto folder = bindings::AssetFolder::open(path, *config.assets, diagnostics);
  if (!folder) {
    const auto text = config::read_text_file(config.config_path, limits::kConfigFileBytes);
    diagnostics.begin_file(config.config_path, text ? std::string_view(*text) : std::string_view());
    diagnostics.error(config.assets->at, folder.error().message);
    diagnostics.end_file();
  }
  return diagnostics.take();
}

}  // namespace skep::broker
