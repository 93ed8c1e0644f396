// request.cf.tlsClientAuth of a client's certificate. The certificate's bytes are a stranger's;
// they are read here, inside the sandbox.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "net/tls/tls_facts.h"

namespace skep::shard {

// With certPresented "0" where there is none.
nlohmann::json client_auth_json(const std::optional<net::ClientCertificate>& certificate);

}  // namespace skep::shard
