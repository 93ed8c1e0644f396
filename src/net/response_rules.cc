#include "net/response_rules.h"

#include "base/limits.h"
#include "net/headers.h"

namespace skep::net {

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

bool is_valid_response_head(const ResponseHead& head) {
  if (head.status != 101 && (head.status < 200 || head.status > 599)) return false;
  if (!is_field_value(head.status_text)) return false;
  size_t bytes = head.status_text.size();
  for (const Header& header : head.headers) {
    if (!is_token(header.name) || !is_field_value(header.value)) return false;
    bytes += header.name.size() + header.value.size();
  }
  return bytes <= limits::kResponseHeadBytes;
}

bool is_servers_own(std::string_view name, bool upgrading) {
  switch (name.size()) {
    case 2:
      return equals_ignore_case(name, "te");
    case 4:
      return equals_ignore_case(name, "date");
    case 7:
      return equals_ignore_case(name, "trailer") ||
             (!upgrading && equals_ignore_case(name, "upgrade"));
    case 10:
      return equals_ignore_case(name, "connection") || equals_ignore_case(name, "keep-alive");
    case 14:
      return equals_ignore_case(name, "content-length");
    case 16:
      return equals_ignore_case(name, "proxy-connection");
    case 17:
      return equals_ignore_case(name, "transfer-encoding");
    default:
      return false;
  }
}

}  // namespace skep::net
