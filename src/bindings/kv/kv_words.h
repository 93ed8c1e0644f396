// What the two sides of KV say to each other in words.
#pragma once

namespace skep::bindings {

// A refusal of list() that is the Worker's own doing.
inline constexpr const char* kKvBadCursor = "the cursor is not valid";

}  // namespace skep::bindings
