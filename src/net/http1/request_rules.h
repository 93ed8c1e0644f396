// What RFC 9110 and 9112 demand of a request's head beyond its grammar: one Host, one framing, a
// target that fits the method. These are the rules that keep a request from being read differently
// by two servers (request smuggling). A pure function over a parsed head; runs in the shard.
#pragma once

#include <span>

#include "net/http.h"

namespace skep::net::http1 {

struct RequestFraming {
  bool chunked = false;
  bool keep_alive = false;
  bool expect_continue = false;  // the client waits for "100 Continue" before its body
};

// head.method, target, version_minor are set; headers are those of the request. Fills the rest of
// `head` and `framing`. Returns 0, or the status to refuse the request with.
int apply_request_rules(RequestHead& head, std::span<Header> headers, RequestFraming& framing);

}  // namespace skep::net::http1
