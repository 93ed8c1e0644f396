// The globs of wrangler's `rules`: "*" (not "/"), "**" (whole folders), "?", "[abc]", "{a,b}".
#pragma once

#include <string_view>

namespace skep::config {

// Whole path; "./" at the start of either is left out. Takes time linear in the product of both
// lengths at worst: a tenant writes the globs.
bool glob_matches(std::string_view glob, std::string_view path);
// The same where braces mean themselves, and so does "./".
bool plain_glob_matches(std::string_view glob, std::string_view path);

}  // namespace skep::config
