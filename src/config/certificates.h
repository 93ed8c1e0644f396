// The [[certificate]] tables of skep.toml: which files, and what a client must show. The files
// themselves are read by the broker, at the start and at each reload.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/table_reader.h"

namespace skep::config {

enum class ClientAuth : uint8_t { none, optional, require };

struct CertificateFiles {
  std::string cert;  // PEM, leaf first; absolute, as are the others
  std::string key;
  std::string ocsp;       // a response to staple (DER); empty: none
  std::string client_ca;  // PEM; empty: clients are not asked for a certificate
  ClientAuth client_auth = ClientAuth::none;
  uint32_t line = 0;  // of the table in skep.toml, for messages
};

// Relative paths start at `folder`. Nothing where something is wrong, which is reported.
std::optional<CertificateFiles> read_certificate(TableReader& table, const std::string& folder);

}  // namespace skep::config
