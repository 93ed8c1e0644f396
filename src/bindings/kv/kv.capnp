# KV between a shard and the broker: the capability of one namespace, as one worker on one shard
# holds it. The broker checks every argument: keys, sizes, cursors. Part of skep.capnp.
@0xb6f4a1d37c52e90f;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skep::rpc");

interface KvNamespace {
  get @0 (key :Data) -> (entry :KvEntry);

  put @1 (key :Data, value :Data, options :KvPutOptions) -> ();
  # Answered when it is on the disk. Values up to limits::kKvInlineBytes; larger ones by putLarge.

  putLarge @2 (key :Data, options :KvPutOptions) -> (sink :KvSink);
  # Nothing is stored before the sink's end() is answered.

  delete @3 (key :Data) -> ();
  # Also of a key that is not there.

  list @4 (prefix :Data, limit :UInt32, cursor :Text) -> (page :KvPage);

  generations @5 () -> (page :KvGenerations);
}

interface KvGenerations {
  # Answers to getFd: the namespace's counters, to be mapped for reading (generations.h). A value
  # that was read stays good as long as the counter of its key is the one that came with it.
}

interface KvBlob {
  # A large value; its file rides along (getFd), open for reading.
}

interface KvSink {
  write @0 (chunk :Data) -> stream;
  end @1 () -> ();
}

struct KvPutOptions {
  expiration @0 :UInt64;             # seconds since the epoch; 0: none
  metadata @1 :Data;                 # JSON; empty: none
}

struct KvEntry {
  union {
    missing @0 :Void;
    value @1 :Data;
    blob @2 :KvBlob;
  }
  size @3 :UInt64;                   # of a blob
  expiration @4 :UInt64;             # seconds since the epoch; 0: none
  metadata @5 :Data;
  generation @6 :UInt64;             # of the key's counter, from before the value was read
}

struct KvPage {
  keys @0 :List(KvKey);
  cursor @1 :Text;                   # of the next page; "": this was the last
}

struct KvKey {
  name @0 :Data;
  expiration @1 :UInt64;
  metadata @2 :Data;
}
