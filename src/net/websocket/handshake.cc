#include "net/websocket/handshake.h"

#include <openssl/base64.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "net/headers.h"

namespace skep::net::websocket {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // 1.3

std::string base64(std::span<const uint8_t> bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  out.resize(EVP_EncodeBlock(reinterpret_cast<uint8_t*>(out.data()), bytes.data(), bytes.size()));
  return out;
}

// 4.2.1: 16 bytes when decoded.
bool valid_key(std::string_view key) {
  uint8_t bytes[24];
  size_t size = 0;
  return key.size() == 24 &&
         EVP_DecodeBase64(bytes, &size, sizeof(bytes), reinterpret_cast<const uint8_t*>(key.data()),
                          key.size()) == 1 &&
         size == 16;
}

}  // namespace

std::string accept_value(std::string_view key) {
  std::string text(key);
  text += kGuid;
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest);
  return base64(digest);
}

std::string new_key() {
  uint8_t bytes[16];
  RAND_bytes(bytes, sizeof(bytes));
  return base64(bytes);
}

void add_client_headers(std::vector<Header>& headers, std::string& key) {
  std::erase_if(headers, [](const Header& header) {
    return is_handshake_header(header.name) && !equals_ignore_case(header.name, "upgrade") &&
           !equals_ignore_case(header.name, "connection");
  });
  key = new_key();
  headers.push_back({.name = "Sec-WebSocket-Version", .value = "13"});
  headers.push_back({.name = "Sec-WebSocket-Extensions", .value = kDeflateOffer});
  headers.push_back({.name = "Sec-WebSocket-Key", .value = key});
}

bool asks_for_websocket(std::span<const Header> headers) {
  const Header* upgrade = find_header(headers, "upgrade");
  return upgrade != nullptr && equals_ignore_case(trim_whitespace(upgrade->value), "websocket");
}

ServerHandshake answer_handshake(std::span<const Header> headers, bool compression, bool keyed) {
  ServerHandshake answer;
  if (header_value(headers, "sec-websocket-version") != "13") {
    answer.status = 426;  // 4.4: with the version that would be right
    return answer;
  }
  if (keyed) {
    const std::string_view key = header_value(headers, "sec-websocket-key");
    if (count_headers(headers, "sec-websocket-key") != 1 || !valid_key(key)) {
      answer.status = 400;
      return answer;
    }
    answer.accept = accept_value(key);
  }
  if (!compression) return answer;
  // The list may be spread over several headers.
  for (const Header& header : headers) {
    if (!equals_ignore_case(header.name, "sec-websocket-extensions")) continue;
    if (auto deflate = answer_deflate(header.value)) {
      answer.deflate = deflate->parameters;
      answer.extensions = std::move(deflate->header);
      break;
    }
  }
  return answer;
}

bool is_handshake_header(std::string_view name) {
  return equals_ignore_case(name, "sec-websocket-accept") ||
         equals_ignore_case(name, "sec-websocket-extensions") ||
         equals_ignore_case(name, "sec-websocket-key") ||
         equals_ignore_case(name, "sec-websocket-version") || equals_ignore_case(name, "upgrade") ||
         equals_ignore_case(name, "connection");
}

}  // namespace skep::net::websocket
