# The Secrets Store between a shard and the broker: the capability to read one secret. Part of
# skep.capnp.
@0xe58b3f1c9d2a7046;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skep::rpc");

interface StoreSecret {
  get @0 () -> (value :Text);
  # Fails where there is none. Read anew each time: a secret that was replaced is seen at once.
}
