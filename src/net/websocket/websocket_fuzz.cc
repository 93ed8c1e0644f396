// Fuzz target: frames into the reader, in pieces, in both roles, with compression and without. The
// first byte picks the role and the pieces' size; what is found must not depend on the pieces.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/websocket/handshake.h"
#include "net/websocket/reader.h"

namespace {

using namespace skep::net::websocket;

constexpr size_t kMostBytes = 64 * 1024;

struct Found final : ReaderEvents {
  void on_message(bool text, std::string data) override {
    if (data.size() > kMostBytes) std::abort();
    Utf8Check utf8;
    if (text && (!utf8.take(data) || !utf8.complete())) std::abort();
    log += (text ? "text " : "binary ") + std::to_string(data.size()) + "\n" + data;
  }
  void on_ping(std::string_view data) override {
    if (data.size() > kControlBytes) std::abort();
    log += "ping ";
    log += data;
  }
  void on_pong() override { log += "pong\n"; }
  void on_close_frame(uint16_t code, std::string_view reason) override {
    if (code != 1005 && !valid_close_code(code)) std::abort();
    log += "close " + std::to_string(code);
    log += reason;
  }
  std::string log;
};

std::string read(Role role, bool compression, std::string_view bytes, size_t piece) {
  Reader reader(role, compression, kMostBytes);
  Found found;
  Failure failure;
  while (!bytes.empty() && !failure && !reader.closed()) {
    const size_t size = std::min(piece, bytes.size());
    failure = reader.take(bytes.substr(0, size), found);
    bytes.remove_prefix(size);
    if (reader.held() > 4 * kMostBytes) std::abort();
  }
  if (failure) found.log += "failed " + std::to_string(failure.code);
  return found.log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Role role = (data[0] & 1) != 0 ? Role::client : Role::server;
  const bool compression = (data[0] & 2) != 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 4) != 0) {
    // The same bytes as an offer of extensions, and as a server's answer.
    (void)answer_deflate(bytes);
    std::optional<DeflateParameters> agreed;
    (void)accept_deflate(bytes, agreed);
    return 0;
  }
  const std::string whole = read(role, compression, bytes, SIZE_MAX);
  if (read(role, compression, bytes, (data[0] >> 3) + 1) != whole) std::abort();
  return 0;
}
