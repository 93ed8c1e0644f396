// Small steps on files and paths for the readers of configuration. Broker and command line only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace skep::config {

// The whole of a regular file; larger than the bound is an error. ENOENT is in Error::code.
Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes);
// The same of an open descriptor; `path` is for messages.
Result<std::string> read_descriptor(int fd, const std::string& path, uint64_t max_bytes);
// realpath(3).
Result<std::string> real_path(const std::string& path);
bool is_folder(const std::string& path);
bool is_file(const std::string& path);

// Text alone, no file is touched:
std::string_view base_name(std::string_view path);    // "a/b.c" -> "b.c"
std::string_view folder_name(std::string_view path);  // "a/b.c" -> "a"; "b.c" -> ""; "/b" -> "/"
std::string_view stem(std::string_view path);         // "a/b.c.ts" -> "b.c"
std::string_view extension(std::string_view path);    // "a/b.c.ts" -> ".ts"; ".x" -> ""
std::string join_path(std::string_view folder, std::string_view path);  // an absolute path stays
// Without ".", ".." (as far as there is something to go back to) and doubled slashes; "" -> ".".
std::string normal_path(std::string_view path);
// `path` is `folder` or lies in it; both absolute and normal.
bool is_inside(std::string_view path, std::string_view folder);
// From folder to path, both absolute and normal: "../x/y".
std::string relative_path(std::string_view path, std::string_view folder);

}  // namespace skep::config
