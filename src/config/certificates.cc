#include "config/certificates.h"

#include <fmt/format.h>

#include "config/files.h"

namespace skep::config {

std::optional<CertificateFiles> read_certificate(TableReader& table, const std::string& folder) {
  CertificateFiles files;
  files.line = table.at().line;
  bool good = true;
  const auto required = [&](std::string_view key, std::string_view what, std::string& to) {
    if (table.any(key) == nullptr) {
      table.diagnostics().error(table.at(),
                                fmt::format("\"{}\" is missing: {}", table.full_name(key), what));
      good = false;
      return;
    }
    const auto text = table.text(key);
    good = good && text;
    if (text) to = *text;
  };
  required("cert", "the certificate's file (PEM)", files.cert);
  required("key", "its private key's file (PEM)", files.key);
  files.ocsp = table.text("ocsp").value_or("");
  files.client_ca = table.text("client_ca").value_or("");
  const Value* auth = table.any("client_auth");
  if (auth != nullptr) {
    if (auth->is(Value::Type::string) && auth->string == "optional") {
      files.client_auth = ClientAuth::optional;
    } else if (auth->is(Value::Type::string) && auth->string == "require") {
      files.client_auth = ClientAuth::require;
    } else {
      table.diagnostics().error(auth->at, fmt::format("\"{}\" must be \"optional\" or \"require\"",
                                                      table.full_name("client_auth")));
      good = false;
    }
  } else if (!files.client_ca.empty()) {
    files.client_auth = ClientAuth::require;
  }
  if (files.client_auth != ClientAuth::none && files.client_ca.empty()) {
    table.diagnostics().error(
        auth->at, fmt::format("\"{}\" needs a \"client_ca\": whose certificates are accepted",
                              table.full_name("client_auth")));
    good = false;
  }
  if (!good) return std::nullopt;
  for (std::string* path : {&files.cert, &files.key, &files.ocsp, &files.client_ca})
    if (!path->empty()) *path = normal_path(join_path(folder, *path));
  return files;
}

}  // namespace skep::config
