#include "broker/secret_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/limits_cron.h"
#include "base/result.h"
#include "bindings/secrets/broker/secret_store.h"

namespace skep::broker {
namespace {

int failed(const Error& error) {
  fmt::print(stderr, "skep: {}\n", error.message);
  return 1;
}

Result<std::string> read_value() {
  if (isatty(STDIN_FILENO) != 0) fmt::print(stderr, "The value, then Ctrl-D: ");
  std::string value;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("standard input", errno);
    if (count == 0) break;
    value.append(buffer.data(), static_cast<size_t>(count));
    if (value.size() > limits::kSecretBytes + 1)
      return fail(fmt::format("a secret has at most {} bytes", limits::kSecretBytes));
  }
  if (value.ends_with('\n')) value.pop_back();
  if (value.empty()) return fail("no value came from standard input");
  return value;
}

}  // namespace

int put_secret(const SecretOptions& options) {
  const auto value = read_value();
  if (!value) return failed(value.error());
  const auto done =
      bindings::SecretStore(options.data_dir).write(options.store, options.name, *value);
  return done ? 0 : failed(done.error());
}

int list_secrets(const SecretOptions& options) {
  const auto names = bindings::SecretStore(options.data_dir).list(options.store);
  if (!names) return failed(names.error());
  for (const std::string& name : *names) fmt::print("{}\n", name);
  return 0;
}

int delete_secret(const SecretOptions& options) {
  const auto done = bindings::SecretStore(options.data_dir).erase(options.store, options.name);
  return done ? 0 : failed(done.error());
}

}  // namespace skep::broker
