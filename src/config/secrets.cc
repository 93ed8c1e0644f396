#include "config/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/limits_cron.h"
#include "base/unique_fd.h"
#include "config/dotenv.h"
#include "config/files.h"
#include "config/local_vars.h"

namespace skep::config {
namespace {

constexpr std::string_view kCredential = "credential:";

// "credential:NAME" is a file of the folder that systemd made for the service.
Result<std::string> path_of(const std::string& place) {
  if (!place.starts_with(kCredential)) return place;
  const std::string name = place.substr(kCredential.size());
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0')
    return fail(
        fmt::format("{}: systemd gave no credentials (CREDENTIALS_DIRECTORY is not set)", place));
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
    return fail(fmt::format("{}: \"{}\" is no credential's name", place, name));
  return join_path(folder, name);
}

Result<std::string> read_private(const std::string& place) {
  SKEP_TRY_ASSIGN(const std::string path, path_of(place));
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno(path, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(path, errno);
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0 && !place.starts_with(kCredential))
    return fail(
        fmt::format("{}: others than its owner may read the secrets (mode {:03o}): "
                    "chmod 600 would be right",
                    path, info.st_mode & 0777));
  return read_descriptor(fd.get(), path, limits::kSecretsFileBytes);
}

void read_file(const std::string& place, WorkerConfig& config, Diagnostics& diagnostics) {
  const auto text = read_private(place);
  if (!text) return diagnostics.error({}, text.error().message);
  // Neither the text nor what the parser says of it may be shown: both may have secrets in them.
  diagnostics.begin_file(place, {});
  if (auto entries = parse_dotenv(*text)) {
    for (DotenvEntry& entry : *entries) {
      if (std::ranges::find(config.bindings, entry.name, &Binding::name) != config.bindings.end()) {
        diagnostics.error(entry.at,
                          fmt::format("\"{}\" is the name of a binding already", entry.name));
        continue;
      }
      override_var(config.vars, std::move(entry.name), std::move(entry.value));
    }
  } else {
    diagnostics.error(entries.error().at, "this is not NAME=value, or a quote is missing");
  }
  diagnostics.end_file();
}

}  // namespace

void add_secrets(const LoadOptions& options, WorkerConfig& config, Diagnostics& diagnostics,
                 std::vector<std::string>& watch_paths) {
  if (!options.secrets_path.empty()) {
    if (!options.secrets_path.starts_with(kCredential)) watch_paths.push_back(options.secrets_path);
    read_file(options.secrets_path, config, diagnostics);
  }
  if (!options.require_secrets && !options.local_vars) return;
  for (const std::string& name : config.required_secrets) {
    if (std::ranges::find(config.vars, name, &Var::name) != config.vars.end()) continue;
    Diagnostic missing;
    missing.severity = options.require_secrets ? Severity::error : Severity::warning;
    missing.file = config.config_path;
    missing.message = fmt::format("the secret \"{}\" is required and missing", name);
    missing.hint = options.require_secrets
                       ? "`secrets` of its [[worker]] names the file that should have it"
                       : "a line of .dev.vars would set it";
    diagnostics.add(std::move(missing));
  }
}

}  // namespace skep::config
