// The absolute URL of a request, from its Host header and its target, serialised as the URL
// standard does: a Worker's request.url must equal what new URL() gives back.
#pragma once

#include <string>
#include <string_view>

namespace skep::shard {

struct RequestUrl {
  std::string href;       // "http://host:port/path?query"
  std::string_view host;  // of href: lower case, without the port; for routing
  std::string_view path;  // of href: "/path", without the query; for routing
  bool valid = false;     // false: Host or target cannot be part of a URL (400)

  RequestUrl() = default;
  RequestUrl(const RequestUrl&) = delete;
  RequestUrl& operator=(const RequestUrl&) = delete;
  // Parses into this object, reusing the string's memory.
  void assign(bool secure, std::string_view host, std::string_view target);

 private:
  bool assign_fast(bool secure, std::string_view host, std::string_view target);
  void assign_slow(bool secure, std::string_view host, std::string_view target);
};

}  // namespace skep::shard
