// Parts: JavaScript of the runtime that is not in the start-up snapshot, because few workers use
// it. A part is compiled (from V8's code cache, made at build time) and evaluated in an isolate at
// the first use; its source stays in the program's image and costs no heap. Natives that only parts
// call are made with them, so that an isolate pays for what it uses. One Parts a process,
// immutable.
#pragma once

#include <v8.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/ops.h"
#include "base/result.h"

namespace skep::api {

// The natives that the parts of one folder, or one part, find as `ops`, beside those of the
// snapshot.
struct PartOps {
  std::string_view folder;  // "crypto": of the parts "crypto/…"; "node/buffer": of that one
  std::span<const Op> ops;
};

// Those of this folder tree.
std::span<const PartOps> part_op_tables();

class Parts {
 public:
  struct Part {
    std::string_view source;      // a function's body, Latin-1
    std::string_view code_cache;  // empty: none
  };

  // `pack` must outlive this: for each part a line "NAME SOURCE_BYTES CACHE_BYTES", then an empty
  // line, then each part's source and cache, every cache at a multiple of 16 from the start of the
  // pack, which is itself so aligned where there are caches. Errors: it is malformed.
  static Result<Parts> read(std::string_view pack, std::vector<PartOps> tables);
  // The inverse.
  struct Entry {
    std::string name, source, code_cache;
  };
  static std::string write(const std::vector<Entry>& entries);

  const Part* find(std::string_view name) const;
  const std::map<std::string_view, Part>& all() const { return parts_; }
  std::span<const Op> ops(std::string_view part) const;

 private:
  std::map<std::string_view, Part> parts_;
  std::vector<PartOps> tables_;
};

// The part's function, compiled; empty with an exception pending when it cannot be.
// `used_cache`: whether V8 took the code cache.
v8::MaybeLocal<v8::Function> compile_part(v8::Local<v8::Context> context, std::string_view name,
                                          const Parts::Part& part, bool* used_cache = nullptr);

// The parts that this program carries, with the natives of this folder tree; those that bindings
// have beside them come with `more`.
const Parts& embedded_parts();
Parts make_embedded_parts(std::span<const PartOps> more);

// Of the snapshot: part_compile, part_known, part_ops, part_lazy_global, and what the latter's
// properties call.
std::span<const Op> parts_ops();
intptr_t lazy_global_reference();

}  // namespace skep::api
