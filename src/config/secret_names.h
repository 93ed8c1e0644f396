// What a store and a secret of the Secrets Store may be called: they are names of files. Pure.
#pragma once

#include <algorithm>
#include <string_view>

namespace skep::config {

inline bool valid_secret_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

}  // namespace skep::config
