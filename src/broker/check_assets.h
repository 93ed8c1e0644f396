// `skep check` of a project's assets: the folder, its files, _headers, _redirects, .assetsignore.
#pragma once

#include <vector>

#include "config/diagnostic.h"
#include "config/wrangler.h"

namespace skep::broker {

// Nothing where the configuration has no assets.
std::vector<config::Diagnostic> check_assets(const config::WorkerConfig& config);

}  // namespace skep::broker
