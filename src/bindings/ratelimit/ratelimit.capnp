# Rate limiting between a shard and the broker: the capability of one limit, as one worker on one
# shard holds it. Part of skep.capnp.
@0xc1d2a4e96b07f358;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("skep::rpc");

interface RateLimiter {
  limit @0 (key :Data) -> (success :Bool);
  # Counts one more of that key in the period that runs now. Keys longer than
  # limits::kRateLimitKeyBytes are refused.
}
