// Bounds of the program: a queue, table or input without a line here, or in the limits_NAME.h of
// its part beside this file, is a bug. What an administrator may change says so and names its key
// in skep.toml.
#pragma once

#include <cstddef>
#include <cstdint>

namespace skep::limits {

// --- HTTP/1.1 server (src/net) ---
inline constexpr size_t kRequestLineBytes = 16 * 1024;      // longer: 414
inline constexpr size_t kHeaderBytes = 128 * 1024;          // all request headers together: 431
inline constexpr size_t kHeaderCount = 256;                 // 431
inline constexpr size_t kSendBufferHighWater = 256 * 1024;  // a response waits above this
inline constexpr size_t kBodyReadAhead = 128 * 1024;  // request body held before the Worker reads
inline constexpr int64_t kHeaderTimeoutMs =
    30'000;  // first byte of a request to its last header: 408
inline constexpr int64_t kBodyTimeoutMs = 60'000;  // between two reads of a wanted body: 408
inline constexpr int64_t kSendTimeoutMs = 60'000;  // no progress of a send: closed
inline constexpr int64_t kIdleTimeoutMs = 75'000;  // keep-alive without a request: closed
inline constexpr uint64_t kRequestBodyBytes = 100ull << 20;  // [limits] request_body_bytes; 413
inline constexpr unsigned kRequestsPerTurn = 16;  // pipelined on one connection; then others' turn
inline constexpr size_t kChunkFramingBytes =
    16 * 1024;  // extensions and trailers, beyond 8 a body byte: 400
inline constexpr size_t kDiscardBytes = 256 * 1024;    // unread body skipped to keep the connection
inline constexpr size_t kResponseHeadBytes = 1 << 20;  // headers from a Worker; more: 500
inline constexpr size_t kBufferedBytes = 512ull
                                         << 20;  // in and out, all connections of a shard; over it
                                                 // new requests get 503 and buffers stay small
inline constexpr size_t kSmallBufferBytes = 16 * 1024;  // what a connection may hold then
inline constexpr size_t kLingerBytes = 1 << 20;  // read and dropped after an error; then not read
inline constexpr int64_t kLingerMs = 3'000;  // and this long, so that the client reads the answer
inline constexpr size_t kRefusedConnections = 256;  // over the limit, at once: each gets its 503
inline constexpr size_t kExchangePoolIdle = 64;     // exchanges kept for reuse

// --- loop (src/loop) ---
inline constexpr unsigned kRingEntries = 4096;
inline constexpr unsigned kRingFixedFiles = 65536;  // connections of a shard, at most
inline constexpr unsigned kRecvBufferBytes = 16 * 1024;
inline constexpr unsigned kRecvBufferCount = 1024;    // power of two
inline constexpr size_t kSendBlockBytes = 16 * 1024;  // copied bytes wait in blocks of this
inline constexpr size_t kSendBlocksIdle = 256;        // kept for reuse
inline constexpr size_t kSendPiecesAtOnce = 16;       // of one socket, in one system call
inline constexpr unsigned kSendsBeforeFixedFile = 8;  // a connection earns its registered slot
inline constexpr int64_t kAcceptPauseMs = 100;        // after EMFILE, ENFILE, ENOBUFS, ENOMEM
inline constexpr size_t kFiberStackBytes = 1 << 20;   // reserved, touched as used
inline constexpr size_t kFiberPoolIdle = 64;          // kept for reuse

// --- connections of a shard (src/shard) ---
inline constexpr size_t kConnectionsPerShard = 50'000;
inline constexpr size_t kRequestsInFlightPerIsolate = 10'000;  // more: 503
inline constexpr size_t kJobsQueuedPerIsolate = 20'000;

// --- isolates (src/isolate) ---
inline constexpr size_t kIsolateHeapBytes = 128ull << 20;  // [limits] memory_mb
inline constexpr int64_t kRequestCpuMs = 30'000;           // [limits] cpu_ms
inline constexpr int64_t kStartupCpuMs = 400;              // [limits] startup_cpu_ms
inline constexpr size_t kScriptBytes = 64ull
                                       << 20;  // [limits] script_bytes; all modules of a worker
inline constexpr size_t kModulesPerWorker = 10'000;
inline constexpr unsigned kIsolateGroups = 60;  // full V8 sandboxes a process can have
inline constexpr unsigned kIsolatesPerGroup = 128;
inline constexpr size_t kGroupHeapBytes = 2ull << 30;    // a group with more gets no new isolate
inline constexpr size_t kIsolatesAwaitingDisposal = 32;  // more are disposed of at once
inline constexpr uint64_t kWasmMemories = 16;     // alive in one isolate, or declared by one module
inline constexpr size_t kCommonJsNames = 10'000;  // exports, requires found in one module
inline constexpr size_t kImportsInFlight = 1'000;  // import() calls of one isolate
inline constexpr size_t kSourceMapSegments =
    4'000'000;  // of one map; larger: positions are those of the code that runs
inline constexpr size_t kBodiesBufferedBytes = 128ull
                                               << 20;  // request bodies read whole, of one isolate
inline constexpr size_t kTimersPerEvent = 10'000;
inline constexpr int64_t kWaitUntilMs = 30'000;    // after the response
inline constexpr uint64_t kIdleEvictMs = 600'000;  // [limits] idle_evict_ms
inline constexpr int64_t kHungMs = 30'000;         // an event that only another one could wake
inline constexpr int64_t kDrainMs = 10'000;        // SIGTERM to the end

// --- RPC and files (src/rpc, src/broker, src/config) ---
inline constexpr size_t kRpcMessageWords = (128ull << 20) / 8;
inline constexpr size_t kRpcFdsPerMessage = 16;
inline constexpr size_t kRpcBufferBytes = 64 * 1024;  // one for each direction of a connection
inline constexpr int kRpcWindowBytes = 256 * 1024;    // streaming calls on their way
inline constexpr size_t kConfigFileBytes = 4ull << 20;
inline constexpr int kConfigDepth = 64;            // arrays and tables within one another
inline constexpr size_t kDiagnostics = 200;        // of one run; more are counted
inline constexpr size_t kServedWorkers = 100'000;  // [[worker]] tables
inline constexpr size_t kListeners = 256;          // [[listen]] tables
inline constexpr size_t kRoutesPerWorker = 1'000;
inline constexpr size_t kVarsPerWorker = 1'024;
inline constexpr size_t kModuleRules = 256;            // globs of `rules`
inline constexpr size_t kSpecifierBytes = 4'096;       // of an import; longer: no such module
inline constexpr size_t kScannedImports = 10'000;      // of one module, found by a look at its text
inline constexpr size_t kPackageLookups = 64;          // folders searched for one bare import
inline constexpr size_t kWatchPaths = 50'000;          // files that dev mode watches
inline constexpr size_t kLogMessageBytes = 16 * 1024;  // of one console call; more is cut
inline constexpr size_t kLogQueueEntries =
    10'000;  // waiting for the broker; more are counted, dropped

// --- broker: what one shard may cost, and how shards are replaced (src/broker) ---
inline constexpr unsigned kShards = 256;  // `shards`, at most
inline constexpr int kListenBacklog = 4096;
inline constexpr size_t kRpcQueuedBytes = 256ull
                                          << 20;   // asked for and not read: the shard is replaced
inline constexpr int64_t kShardAttachMs = 10'000;  // from the fork to attach()
inline constexpr int64_t kShardSilentMs = 10'000;  // no answer from its loop: replaced
inline constexpr int64_t kShardPingMs = 2'000;
inline constexpr int64_t kShardHealthyMs = 30'000;  // after so long the back-off starts anew
inline constexpr int64_t kBackoffFirstMs = 100;     // doubles
inline constexpr int64_t kBackoffLastMs = 5'000;
inline constexpr int64_t kZygoteAgeMs = 4 * 3600 * 1000;  // then new shards come from a new one
inline constexpr size_t kModuleCacheBytes = 256ull
                                            << 20;  // modules of all workers in the broker's memory
inline constexpr size_t kResolutionsPerWorker = 100'000;  // remembered; more are asked again
inline constexpr size_t kCodeCacheMemoryBytes = 128ull << 20;
inline constexpr uint64_t kCodeCacheDiskBytes = 1ull << 30;
inline constexpr size_t kCodeCacheEntryBytes = 64ull << 20;
inline constexpr int64_t kCodeCacheBytesPerSecond =
    4 << 20;  // stored by one shard, after a burst of…
inline constexpr int64_t kCodeCacheBurstBytes = 256ll << 20;
inline constexpr int64_t kLogLinesPerSecond = 2'000;  // of one shard, after a burst of…
inline constexpr int64_t kLogBurstLines = 20'000;
inline constexpr size_t kLogEntriesPerCall = 10'000;
inline constexpr int64_t kReloadDebounceMs = 30;  // dev: from the first change to the reload

}  // namespace skep::limits
