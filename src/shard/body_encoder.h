// The body of one response on its way through a compressor. Works in steps of bounded size, so that
// a large body does not hold the shard: what one turn does not get to waits for the next, and
// meanwhile whoever writes is told to wait. Owned by the HttpRequest; on the loop's thread, and
// also on fibers (nothing calls back from there).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "loop/loop.h"
#include "net/coding/coding.h"
#include "shard/worker_metrics.h"

namespace skep::shard {

// Where the encoded bytes go.
class EncodedSink {
 public:
  virtual bool write_encoded(std::string_view data) = 0;  // false: full; call writable() later
  virtual void finish_encoded() = 0;
  // More may be written (after write() said false); on the loop's stack.
  virtual void encoder_writable() = 0;

 protected:
  ~EncodedSink() = default;
};

// All of `body` at once; for bodies up to limits::kCompressWholeBytes.
std::string encode_whole(net::Coding coding, std::string_view body, CompressionStats& stats);

class BodyEncoder {
 public:
  BodyEncoder(loop::Loop& loop, EncodedSink& sink, net::Coding coding, CompressionStats& stats);
  ~BodyEncoder();
  BodyEncoder(const BodyEncoder&) = delete;
  BodyEncoder& operator=(const BodyEncoder&) = delete;

  // What was given so far reaches the client without waiting for more.
  bool write(std::string_view data);
  void finish();
  // The sink has room again.
  void writable();

 private:
  void step();
  void later();

  loop::Loop& loop_;
  EncodedSink& sink_;
  CompressionStats& stats_;
  std::unique_ptr<net::Encoder> encoder_;
  std::string waiting_;  // input
  size_t begin_ = 0;     // of it that is done with
  bool finishing_ = false, finished_ = false;
  bool unflushed_ = false;  // the encoder holds bytes back
  bool blocked_ = false;    // the sink is full
  bool owes_writable_ = false;
  loop::Deferred due_;
};

}  // namespace skep::shard
