// W3C Trace Context: `traceparent` and `tracestate` of a request, taken over where they are valid,
// else begun. Pure; runs in the shard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skep::net {

// The value of a traceparent header, checked (Trace Context 3.2.2): of version 00 exactly, of later
// versions the part that 00 knows. Empty: not valid.
std::string_view valid_traceparent(std::string_view value);
// The 32 digits of the trace id of a valid one.
std::string_view trace_id(std::string_view traceparent);
// A traceparent of version 00 from 24 random bytes; not sampled by anybody so far.
std::string make_traceparent(uint64_t id_high, uint64_t id_low, uint64_t parent);
// The same trace, as sent on by another parent.
std::string with_parent(std::string_view traceparent, uint64_t parent);

}  // namespace skep::net
