// skep secret: puts, lists and deletes secrets of the Secrets Store, which lie in the data folder.
#pragma once

#include <string>

namespace skep::broker {

struct SecretOptions {
  std::string data_dir = "/var/lib/skep";
  std::string store;
  std::string name;
};

// Exit statuses. put reads the value from standard input; one newline at its end is left out. No
// command shows a value.
int put_secret(const SecretOptions& options);
int list_secrets(const SecretOptions& options);
int delete_secret(const SecretOptions& options);

}  // namespace skep::broker
