// permessage-deflate (RFC 7692): what is agreed on in the handshake, and messages in and out of
// DEFLATE. Neither side keeps a context from one message to the next: an idle socket then holds no
// state of zlib's, which is up to 300 KB. Runs in the shard.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace skep::net::websocket {

struct DeflateParameters {
  int send_window_bits = 15;  // 9 to 15, what the peer can take
};

// A server's answer to the Sec-WebSocket-Extensions of a request: the first offer of
// permessage-deflate that it can meet. Not set: none.
struct DeflateAnswer {
  DeflateParameters parameters;
  std::string header;  // value of Sec-WebSocket-Extensions of the response
};
std::optional<DeflateAnswer> answer_deflate(std::string_view offers);

// What a client offers, and what the server's answer means: an empty header means no compression;
// an error (false) an answer that was not offered, on which the connection fails (RFC 6455, 4.1).
inline constexpr std::string_view kDeflateOffer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
bool accept_deflate(std::string_view header, std::optional<DeflateParameters>& agreed);

// One message out of DEFLATE, in pieces as they come. Its end gets by itself what RFC 7692 (7.2.2)
// has senders leave out.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  enum class Outcome { ok, bad_data, too_large };
  // Appends to `out`, which may grow to `most` bytes.
  Outcome take(std::string_view piece, std::string& out, size_t most);
  Outcome end(std::string& out, size_t most);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A whole message as DEFLATE, as 7.2.1 says. Empty where zlib fails (no memory).
std::optional<std::string> deflate_message(std::string_view message, int window_bits);

}  // namespace skep::net::websocket
