// First line: a specifier; the rest: a package.json. What is resolved stays in the package.
#include "base/assert.h"
#include "config/files.h"
#include "config/jsonc.h"
#include "config/package_exports.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skep::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return 0;
  const std::string_view specifier = text.substr(0, end);
  const auto package = parse_json(text.substr(end + 1), JsonDialect::json);
  if (!package) return 0;
  constexpr std::string_view kConditions[] = {"workerd", "worker", "browser", "import"};
  const auto check = [](const PackageTarget& target) {
    if (target.kind != PackageTarget::Kind::target || !target.target.starts_with("./")) return;
    const std::string path = normal_path(target.target);
    SKEP_ASSERT(path != ".." && !path.starts_with("../"));
  };
  if (const Value* exports = package->find("exports")) {
    const PackageTarget target = resolve_package_exports(*exports, specifier, kConditions);
    check(target);
    SKEP_ASSERT(target.kind != PackageTarget::Kind::target || target.target.starts_with("./"));
  }
  if (const Value* imports = package->find("imports")) {
    check(resolve_package_imports(*imports, specifier, kConditions));
  }
  return 0;
}
