// Content types by a file's extension. Pure; in the shard.
#pragma once

#include <string_view>

namespace skep::bindings {

// "text/html; charset=utf-8" of "a/b.html"; "application/octet-stream" where the extension is
// unknown.
std::string_view content_type_of(std::string_view path);

}  // namespace skep::bindings
