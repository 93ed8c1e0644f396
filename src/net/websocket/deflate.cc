#include "net/websocket/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>

#include "net/headers.h"

namespace skep::net::websocket {
namespace {

constexpr size_t kPieceBytes = 16 * 1024;
constexpr std::string_view kTail("\0\0\xff\xff", 4);

// Takes the first part of `list` up to `separator`, which may not stand inside a quoted string;
// trimmed.
std::string_view take_item(std::string_view& list, char separator) {
  size_t at = 0;
  bool quoted = false;
  while (at < list.size() && (quoted || list[at] != separator)) {
    if (list[at] == '"') quoted = !quoted;
    at++;
  }
  const std::string_view item = trim_whitespace(list.substr(0, at));
  list.remove_prefix(std::min(at + 1, list.size()));
  return item;
}

struct Parameters {
  bool server_no_context = false;
  bool client_no_context = false;
  std::optional<int> server_bits;
  bool client_bits = false;  // the parameter is there, with a value or without
};

// 7.1.2: the value is 8 to 15, without leading zeroes.
std::optional<int> window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  if (value.empty() || value.front() == '0') return std::nullopt;
  int bits = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bits);
  if (error != std::errc() || end != value.data() + value.size() || bits < 8 || bits > 15) {
    return std::nullopt;
  }
  return bits;
}

// The parameters after the extension's name. Not set: one is unknown, doubled or has a bad value.
std::optional<Parameters> read_parameters(std::string_view rest) {
  Parameters read;
  while (!rest.empty()) {
    std::string_view value = take_item(rest, ';');
    const bool has_value = value.find('=') != std::string_view::npos;
    const std::string_view name = take_item(value, '=');
    value = trim_whitespace(value);
    if (name == "server_no_context_takeover" && !has_value && !read.server_no_context) {
      read.server_no_context = true;
    } else if (name == "client_no_context_takeover" && !has_value && !read.client_no_context) {
      read.client_no_context = true;
    } else if (name == "server_max_window_bits" && !read.server_bits) {
      read.server_bits = window_bits(value);
      if (!read.server_bits) return std::nullopt;
    } else if (name == "client_max_window_bits" && !read.client_bits) {
      if (has_value && !window_bits(value)) return std::nullopt;
      read.client_bits = true;
    } else {
      return std::nullopt;
    }
  }
  return read;
}

}  // namespace

std::optional<DeflateAnswer> answer_deflate(std::string_view offers) {
  while (!offers.empty()) {
    std::string_view offer = take_item(offers, ',');
    if (take_item(offer, ';') != "permessage-deflate") continue;
    const auto asked = read_parameters(offer);
    // zlib's raw format has no window of 256 bytes.
    if (!asked || asked->server_bits == 8) continue;
    DeflateAnswer answer;
    answer.header = kDeflateOffer;
    if (asked->server_bits) {
      answer.parameters.send_window_bits = *asked->server_bits;
      answer.header += "; server_max_window_bits=" + std::to_string(*asked->server_bits);
    }
    return answer;
  }
  return std::nullopt;
}

bool accept_deflate(std::string_view header, std::optional<DeflateParameters>& agreed) {
  agreed.reset();
  if (trim_whitespace(header).empty()) return true;
  std::string_view answer = take_item(header, ',');
  if (!trim_whitespace(header).empty()) return false;
  if (take_item(answer, ';') != "permessage-deflate") return false;
  const auto read = read_parameters(answer);
  // 7.1.1.1: the server must do what was asked; 7.1.2.2: client_max_window_bits was not offered.
  if (!read || !read->server_no_context || read->client_bits) return false;
  agreed = DeflateParameters{};
  return true;
}

struct Inflater::State {
  z_stream stream{};
  bool ready = false;
};

Inflater::Inflater() : state_(std::make_unique<State>()) {
  state_->ready = inflateInit2(&state_->stream, -15) == Z_OK;
}

Inflater::~Inflater() {
  if (state_->ready) inflateEnd(&state_->stream);
}

Inflater::Outcome Inflater::take(std::string_view piece, std::string& out, size_t most) {
  if (!state_->ready) return Outcome::bad_data;
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  stream.avail_in = static_cast<uInt>(piece.size());
  char made[kPieceBytes];
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(made);
    stream.avail_out = sizeof(made);
    const int result = inflate(&stream, Z_SYNC_FLUSH);
    const size_t size = sizeof(made) - stream.avail_out;
    if (size > most - out.size()) return Outcome::too_large;
    out.append(made, size);
    if (result == Z_STREAM_END) {
      // 7.2.3.4: a block may say that it is the last; another may follow all the same.
      if (inflateReset(&stream) != Z_OK) return Outcome::bad_data;
      if (stream.avail_in == 0) return Outcome::ok;
      continue;
    }
    if (result != Z_OK && result != Z_BUF_ERROR) return Outcome::bad_data;
    if (stream.avail_out != 0) return Outcome::ok;
  }
}

Inflater::Outcome Inflater::end(std::string& out, size_t most) {
  return take(kTail, out, most);
}

std::optional<std::string> deflate_message(std::string_view message, int window_bits) {
  // A window that is no larger than the message needs; small tables, for this is made anew for
  // each message.
  int bits = 9;
  while (bits < window_bits && bits < 13 && (size_t{1} << bits) < message.size()) bits++;
  z_stream stream{};
  if (deflateInit2(&stream, 3, Z_DEFLATED, -bits, std::min(bits - 7, 8), Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return std::nullopt;
  }
  std::string out;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
  stream.avail_in = static_cast<uInt>(message.size());
  char made[kPieceBytes];
  bool good = true;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(made);
    stream.avail_out = sizeof(made);
    const int result = deflate(&stream, Z_SYNC_FLUSH);
    good = result == Z_OK || result == Z_BUF_ERROR;
    out.append(made, sizeof(made) - stream.avail_out);
  } while (good && stream.avail_out == 0);
  deflateEnd(&stream);
  if (!good || !out.ends_with(kTail)) return std::nullopt;
  out.resize(out.size() - kTail.size());
  return out;
}

}  // namespace skep::net::websocket
