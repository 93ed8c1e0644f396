// Whether a response's body is compressed on its way out, and how its head changes with that
// (RFC 9110 8.4, 12.5.3). Pure; on the shard's loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/coding/coding.h"
#include "net/http.h"

namespace skep::shard {

struct EncodingPlan {
  net::Coding coding = net::Coding::identity;
  // The Worker named the coding itself and leaves the work to us (encodeBody "automatic").
  bool demanded = false;
  // What would be compressed for another client: caches must know.
  bool varies = false;
};

// body_bytes: of the whole body, where it is known. compress: whether the worker's responses are
// compressed where the client takes that.
EncodingPlan plan_encoding(const net::RequestHead& request, const net::ResponseHead& response,
                           std::optional<uint64_t> body_bytes, bool compress);

// The best of br, zstd and gzip that an Accept-Encoding header allows; identity where none is.
net::Coding choose_coding(std::string_view accept_encoding);

// A head for the body as it will be: Content-Encoding, Vary, a weak ETag. Its texts live in the
// object, and those of the head that it was made of must go on living.
class EncodedHead {
 public:
  EncodedHead(const net::ResponseHead& from, const EncodingPlan& plan);
  const net::ResponseHead& head() const { return head_; }
  net::ResponseHead& head() { return head_; }

 private:
  net::ResponseHead head_;
  std::vector<net::Header> headers_;
  std::string vary_, etag_;
};

}  // namespace skep::shard
