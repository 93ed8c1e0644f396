// Bounds of calls between Workers: service bindings and JavaScript RPC (src/api/rpc).
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// Serialised arguments or a result, streams apart; Workers' own limit.
inline constexpr size_t kRpcMessageBytes = 32ull << 20;
// What the serialiser may take before its size is known.
inline constexpr size_t kRpcWriteBytes = 128ull << 20;
// Names in `stub.a.b.c`; Workers' own limit.
inline constexpr size_t kRpcPathDepth = 64;
inline constexpr size_t kRpcNameBytes = 1024;
// Capabilities beside one message.
inline constexpr size_t kRpcCapabilitiesPerMessage = 1024;
// Stubs that an event holds and objects that it has given away, each.
inline constexpr unsigned kRpcStubsPerEvent = 4096;
// The same of all events of an isolate.
inline constexpr unsigned kRpcStubsPerIsolate = 1u << 16;
// Calls that wait for one object of an event.
inline constexpr size_t kRpcCallsQueued = 4096;
// Workers that call Workers that call …; Workers' own limit.
inline constexpr unsigned kNestedWorkerCalls = 32;
// An event that lives only because others hold its objects looks this often whether its caller
// lives.
inline constexpr int64_t kRpcHeldMs = 30'000;
// Body bytes between two Workers that the reader has not taken.
inline constexpr size_t kServiceBodyBytes = 256 * 1024;
// Tail workers: items that wait for one consumer, and what one item may say.
inline constexpr size_t kTailItemsQueued = 1000;
inline constexpr size_t kTailBatch = 100;
inline constexpr int64_t kTailDelayMs = 100;
inline constexpr size_t kTailItemBytes = 256 * 1024;

}  // namespace skep::limits
