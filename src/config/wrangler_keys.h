// Every key that a wrangler file may have at its top level or in [env.NAME], as wrangler 4.164 has
// them: its type, whether an environment inherits it, and how far skep has come with it. One table,
// so that a key which becomes supported is a change in one line.
#pragma once

#include <span>
#include <string_view>

#include "config/value.h"

namespace skep::config {

enum class KeySupport {
  taken,    // read by wrangler_read.cc
  ignored,  // has no meaning outside the hosted service or wrangler's own work; nothing is said
  later,    // means something to a Worker and is not supported yet: a warning
};

// Whether [env.NAME] inherits what the top level says.
enum class KeyInheritance { inherited, not_inherited, top_only };

struct WranglerKey {
  std::string_view name;
  KeySupport support;
  KeyInheritance inheritance;
  // Types that the value may have; two where wrangler takes two.
  Value::Type type;
  Value::Type other_type;
};

std::span<const WranglerKey> wrangler_keys();
const WranglerKey* find_wrangler_key(std::string_view name);

}  // namespace skep::config
