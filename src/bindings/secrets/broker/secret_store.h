// The Secrets Store: a file a secret, DATA_DIR/secrets/STORE/NAME, which its owner alone may read.
// `skep secret` writes them, the broker reads one when a worker asks for it. Pure of state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rpc/skep.capnp.h"

namespace skep::bindings {

class SecretStore {
 public:
  // "": nowhere; nothing can be kept or read then.
  explicit SecretStore(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  // Names are checked (config::valid_secret_name). Errors name the store and the secret, never a
  // value.
  Result<std::string> read(std::string_view store, std::string_view name) const;
  // Whole or not at all; replaces what is there. A folder that is made belongs to whom the data
  // folder belongs, and so does the file.
  Result<> write(std::string_view store, std::string_view name, std::string_view value) const;
  Result<> erase(std::string_view store, std::string_view name) const;
  Result<std::vector<std::string>> list(std::string_view store) const;

 private:
  Result<std::string> folder_of(std::string_view store) const;
  std::string data_dir_;
};

class StoreSecretServer final : public rpc::StoreSecret::Server {
 public:
  StoreSecretServer(const SecretStore& secrets, std::string store, std::string name)
      : secrets_(secrets), store_(std::move(store)), name_(std::move(name)) {}
  kj::Promise<void> get(GetContext context) override;

 private:
  const SecretStore& secrets_;
  const std::string store_, name_;
};

}  // namespace skep::bindings
