# What broker and shard may ask of each other. This file is where the trusted half and the sandboxed
# half meet; nothing else crosses the socket. The shard is assumed hostile: every method says what it
# gives, and the broker checks every argument.
@0xd3a5c1f0b7e94826;

using Cxx = import "/capnp/c++.capnp";
using Assets = import "/bindings/assets/assets.capnp";
using Kv = import "/bindings/kv/kv.capnp";
using RateLimit = import "/bindings/ratelimit/ratelimit.capnp";
using Secrets = import "/bindings/secrets/secrets.capnp";
$Cxx.namespace("skep::rpc");

# ---- What the broker offers to a shard -------------------------------------------------------------

interface Host {
  # The bootstrap capability of a shard's connection. It reaches the workers of that shard's cordon
  # and nothing else.

  attach @0 (shard :Shard, pid :Int32) -> (config :ShardConfig, listeners :List(Listener));
  # First call of a shard, once, after its sandbox is closed. The listeners' descriptors ride along
  # (each Listener answers to getFd).

  log @1 (entries :List(LogEntry)) -> stream;
  # Console messages, exceptions and request lines. The broker writes them; it trusts no text in them.

  trustedRoots @2 () -> (pem :Data);
  # The certificates that outbound TLS trusts: the system's, and those of skep.toml.

  accessLog @3 (entries :List(AccessEntry), dropped :UInt64) -> stream;
  # Lines of the access log, in batches; dropped: how many more there were since the last call. The
  # broker trusts no text in them, and writes them where the log is on.
}

interface Listener {
  # A listening socket; its descriptor rides along (getFd).
}

struct ListenerOptions {
  tls @0 :Bool;
  proxyProtocol @1 :Bool;            # each connection begins with a PROXY header
  http2 @2 :Bool;
}

struct TlsConfig {
  certificates @0 :List(TlsCertificate);   # the first is the default; empty: no TLS
  ticketKeys @1 :List(Data);               # of session tickets, newest first; the same for all shards
}

struct TlsCertificate {
  chain @0 :List(Data);              # DER, leaf first
  names @1 :List(Text);              # of the leaf
  ocsp @2 :Data;                     # to staple; empty: none
  clientAuth @3 :ClientAuth;
  clientCa @4 :List(Data);           # DER
  key @5 :UInt32;                    # what the private key is called on the signing socket
}

enum ClientAuth { none @0; optional @1; require @2; }

interface Signer {
  # Answers to getFd: the socket on which handshakes are signed with keys that never leave the broker
  # (signing_wire.h). Bounded in size and rate: a shard that was taken over can use the keys while it
  # lives, as it must, and learns nothing of them.
}

struct ShardConfig {
  index @0 :UInt32;
  dev @1 :Bool;                      # readable error pages, request lines in the log
  limits @2 :Limits;
  routes @3 :List(Route);
  workers @4 :List(WorkerSlot);
  arenaSize @5 :UInt32;              # isolates kept ready
  listenerOptions @6 :List(ListenerOptions);   # of the listeners, in their order
  tls @7 :TlsConfig;
  edge @8 :EdgeOptions;
  signer @9 :Signer;                 # null: no certificates
}

struct EdgeOptions {
  trustedProxies @0 :List(Text);     # networks, and "unix": checked by the broker
  forwarded @1 :Bool;                # believe Forwarded (RFC 7239), else X-Forwarded-*
  colo @2 :Text;                     # request.cf.colo; "": none
  accessLog @3 :Bool;
}

struct Limits {
  cpuMs @0 :UInt32;                  # 0: none
  startupCpuMs @1 :UInt32;
  memoryBytes @2 :UInt64;
  scriptBytes @3 :UInt64;
  requestBodyBytes @4 :UInt64;
  maxConnections @5 :UInt32;
  idleEvictMs @6 :UInt64;            # an isolate that served nothing for so long is given back
  subrequests @7 :UInt32;            # of one event
}

struct Route {
  pattern @0 :Text;                  # as in wrangler: "host/path*", checked by the broker
  worker @1 :UInt32;                 # index into workers
}

struct WorkerSlot {
  name @0 :Text;
  source @1 :WorkerSource;           # the capability to load this worker
  compress @2 :Bool;                 # responses, by Accept-Encoding
}

interface WorkerSource {
  # One deployed worker. Nothing is read before load(): a thousand of these cost a thousand rows.

  load @0 () -> (worker :WorkerInfo);
  # Errors (as a failed call): the text for the log and, in dev, for the error page.

  resolve @1 (version :UInt64, referrer :Text, specifier :Text, kind :ImportKind)
      -> (result :ResolveResult);
  # referrer: a module name that this source gave before; "" for an entry point.

  storeCache @2 (version :UInt64, module :Text, kind :CacheKind, data :Data) -> ();
  # Keeps what a shard derived from a module (V8's code cache, TypeScript turned into JavaScript) for
  # its siblings of the same cordon and for later starts. Bounded; may be dropped at any time. V8
  # checks a code cache by a checksum only, so one cordon's caches are never given to another.
}

enum ImportKind { import @0; require @1; }
enum CacheKind { v8CodeCache @0; transformed @1; }

struct WorkerInfo {
  name @0 :Text;
  version @1 :UInt64;                # changes with every reload; old isolates finish what they began
  main @2 :Module;
  modules @3 :List(Module);          # further modules that are known to be needed: saves round trips
  resolutions @4 :List(Resolution);  # known answers of resolve()
  compatibilityDate @5 :Text;        # "YYYY-MM-DD"
  compatibilityFlags @6 :List(Text); # in effect, by the date or by name
  bindings @7 :List(Binding);
  cpuMs @8 :UInt32;                  # 0: the shard's limit
  outbound @9 :Outbound;             # its way to the outside; null: none
  subrequests @10 :UInt32;           # fewer than the shard's limit; 0: that
  assets @11 :Assets.Assets;         # null: it has none. `main` is null where there are only assets
}

interface Outbound {
  # The connections that one worker may have to the outside, by the policy that holds for it.

  connect @0 (host :Text, port :UInt16) -> (result :ConnectResult);
  # host: a name, an IPv4 address, or an IPv6 address in brackets. The broker resolves, checks each
  # address, and connects to the very address that it checked.
}

struct ConnectResult {
  union {
    connection @0 :OutboundConnection;
    failed @1 :Text;                 # why, for the Worker's eyes too
  }
  address @2 :Text;                  # the numeric address that was connected to
  code @3 :UInt16;                   # of a failure: an errno; EACCES: the policy, ENOENT: no such name
}

interface OutboundConnection {
  # A connected TCP socket; its descriptor rides along (getFd).
}

struct Binding {
  # A member of a worker's env. What is more than a value is a capability made for that worker; its
  # interface stands with the binding (src/bindings/NAME/NAME.capnp).
  name @0 :Text;
  union {
    text @1 :Text;                   # vars: a string
    json @2 :Text;                   # vars: any other JSON value
    kv @3 :Kv.KvNamespace;
    rateLimit @4 :RateLimit.RateLimiter;
    storeSecret @5 :Secrets.StoreSecret;
    assets @6 :Void;                 # WorkerInfo.assets
    service @7 :ServiceTarget;
  }
}

struct ServiceTarget {
  # A worker of the same cordon, which the shard itself has: calls stay on the shard.
  worker @0 :UInt32;                 # index into ShardConfig.workers
  entrypoint @1 :Text;               # "": its default export
  props @2 :Text;                    # JSON; "": none
}

struct Module {
  name @0 :Text;                     # relative to the main module's folder; unique in the worker
  type @1 :ModuleType;
  content @2 :Data;
  sourceMap @3 :Data;                # empty: none
  codeCache @4 :Data;                # empty: none
  transformed @5 :Data;              # typescript only: what storeCache kept; empty: none
}

enum ModuleType { esm @0; commonjs @1; text @2; data @3; json @4; wasm @5; typescript @6; typescriptCommonjs @7; }

struct Resolution {
  referrer @0 :Text;
  specifier @1 :Text;
  kind @2 :ImportKind;
  name @3 :Text;                     # of a module in `modules` or `main`; "" when builtin
}

struct ResolveResult {
  union {
    module @0 :Module;
    builtin @1 :Void;                # cloudflare:*, node:*: the shard's own
    missing @2 :Text;                # the message to throw
  }
}

struct LogEntry {
  worker @0 :Text;
  requestId @1 :Text;                # "" where there is none
  level @2 :Level;
  kind @3 :Kind;
  message @4 :Text;
  stack @5 :Text;                    # exceptions: source-mapped stack
  request @6 :RequestLine;           # kind request only
  timeMs @7 :Float64;                # since the epoch

  enum Level { debug @0; log @1; info @2; warn @3; error @4; }
  enum Kind { console @0; exception @1; limit @2; request @3; shard @4; }
}

struct RequestLine {
  method @0 :Text;
  url @1 :Text;
  status @2 :UInt16;
  durationUs @3 :UInt64;
  cpuUs @4 :UInt64;
  outcome @5 :Text;                  # ok, exception, exceededCpu, exceededMemory, canceled…
}

struct AccessEntry {
  worker @0 :Text;                   # "": no worker's
  client @1 :Text;                   # its address, as the shard believes it
  method @2 :Text;
  url @3 :Text;                      # absolute
  protocol @4 :Text;                 # "HTTP/1.1"
  status @5 :UInt16;                 # 0: the client left before a response
  bytes @6 :UInt64;                  # of the response's body, as sent
  referer @7 :Text;
  userAgent @8 :Text;
  ray @9 :Text;
  trace @10 :Text;                   # W3C trace id
  startedMs @11 :Float64;            # since the epoch
  durationUs @12 :UInt64;
  cpuUs @13 :UInt64;
  outcome @14 :Text;
  tls @15 :Text;                     # "TLSv1.3"; "": none
}

# ---- What a shard offers to the broker -------------------------------------------------------------

interface Shard {
  drain @0 () -> ();
  # Stops accepting, finishes what is in flight, answers when nothing is left (or after the limit).

  reload @1 (worker :UInt32, version :UInt64) -> ();
  # The worker's files changed: isolates of older versions take no new requests.

  stats @2 (details :Bool) -> (stats :ShardStats);
  # details: with everything that is not a single number.

  check @3 (worker :UInt32) -> (diagnostics :List(Diagnostic));
  # Loads and compiles every module of a worker without running any of it.

  test @4 (worker :UInt32, sink :TestSink) -> (passed :UInt32, failed :UInt32);
  # Runs the test() handler of each export.

  cold @5 (worker :UInt32, count :UInt32, keep :Bool, dry :Bool) -> (samplesNs :List(UInt64));
  # Benchmark: makes `count` isolates of the worker one after another and times each from "request
  # there" to "handler returned"; keep: they stay alive (density); dry: none is ready, as after a burst.

  updateTls @6 (tls :TlsConfig) -> ();
  # Certificates or ticket keys have changed: new connections use these.

  scheduled @7 (worker :UInt32, cron :Text, timeMs :Float64) -> (outcome :Text);
  # Runs the worker's scheduled() handler. outcome: as of a request.
}

interface TestSink {
  result @0 (name :Text, ok :Bool, message :Text, stack :Text) -> ();
}

struct ShardStats {
  connections @0 :UInt64;
  requests @1 :UInt64;
  isolates @2 :UInt64;
  isolateGroups @3 :UInt64;
  coldStarts @4 :UInt64;
  evictions @5 :UInt64;
  cpuNs @6 :UInt64;
  arenaReady @7 :UInt64;
  requestsInFlight @8 :UInt64;
  rejected @9 :UInt64;
  leftBehind @10 :UInt32;            # isolates that could not be stopped: the shard is to be replaced
  handshakes @11 :UInt64;            # of TLS
  handshakesFailed @12 :UInt64;
  refused @13 :UInt64;               # requests that the HTTP server itself answered with an error
  proxyHeadersFailed @14 :UInt64;    # connections without a valid PROXY header
  accessDropped @15 :UInt64;         # lines of the access log that there was no room for
  unrouted @16 :UInt64;              # requests that no worker answers
  ringDepth @17 :UInt64;             # operations in flight
  bufferedBytes @18 :UInt64;         # of connections
  compressedIn @19 :UInt64;          # bytes of bodies before and after compression
  compressedOut @20 :UInt64;
  compressNs @21 :UInt64;            # CPU time of it
  workers @22 :List(WorkerStats);    # those that had a request
}

struct WorkerStats {
  index @0 :UInt32;
  requests @1 :UInt64;               # whose event has ended
  outcomes @2 :List(UInt64);         # ok, exception, exceededCpu, exceededMemory, canceled, scriptNotFound
  statuses @3 :List(UInt64);         # responses with 1xx, 2xx, … 5xx
  shed @4 :UInt64;                   # answered 503: too much at once
  coldStarts @5 :UInt64;
  isolates @6 :UInt64;               # live now
  cpuNs @7 :UInt64;
  durationNs @8 :UInt64;             # sum
  durations @9 :List(UInt64);        # a histogram: not cumulative, the last without an upper bound
}

struct Diagnostic {
  file @0 :Text;
  line @1 :UInt32;                   # 1-based; 0: whole file
  column @2 :UInt32;                 # 1-based
  message @3 :Text;
  sourceLine @4 :Text;               # for the code frame
}
