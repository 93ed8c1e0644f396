#include "shard/body_encoder.h"

#include <algorithm>
#include <array>

#include "base/limits_edge.h"
#include "base/time.h"

namespace skep::shard {
namespace {

// Input of one turn: about a millisecond of the slowest coding.
constexpr size_t kTurnBytes = 64 << 10;

class Stopwatch {
 public:
  explicit Stopwatch(CompressionStats& stats) : stats_(stats) {}
  ~Stopwatch() { stats_.cpu_ns += static_cast<uint64_t>(thread_cpu_ns() - begin_); }

 private:
  CompressionStats& stats_;
  const int64_t begin_ = thread_cpu_ns();
};

}  // namespace

std::string encode_whole(net::Coding coding, std::string_view body, CompressionStats& stats) {
  const Stopwatch stopwatch(stats);
  const auto encoder = net::make_encoder(coding);
  std::string out;
  std::array<char, limits::kCompressStepBytes> buffer;
  stats.bytes_in += body.size();
  for (bool more = true; more;) {
    const net::CodingStep step = encoder->step(body, net::Flush::finish, buffer);
    body.remove_prefix(step.used);
    out.append(buffer.data(), step.made);
    more = step.more || !body.empty();
  }
  stats.bytes_out += out.size();
  return out;
}

BodyEncoder::BodyEncoder(loop::Loop& loop, EncodedSink& sink, net::Coding coding,
                         CompressionStats& stats)
    : loop_(loop), sink_(sink), stats_(stats), encoder_(net::make_encoder(coding)), due_([this] {
        later();
      }) {
  stats_.open++;
}

BodyEncoder::~BodyEncoder() {
  stats_.open--;
}

bool BodyEncoder::write(std::string_view data) {
  waiting_.append(data);
  unflushed_ = unflushed_ || !data.empty();
  if (!blocked_ && !owes_writable_) step();
  const bool room = !blocked_ && waiting_.empty();
  owes_writable_ = owes_writable_ || !room;
  return room;
}

void BodyEncoder::finish() {
  finishing_ = true;
  if (!blocked_) step();
}

void BodyEncoder::writable() {
  blocked_ = false;
  loop_.defer(due_);
}

// At most one turn's input; what is left is taken up later.
void BodyEncoder::step() {
  if (finished_) return;
  {
    const Stopwatch stopwatch(stats_);
    std::array<char, limits::kCompressStepBytes> buffer;
    size_t budget = kTurnBytes;
    bool more = true;
    while (more && !blocked_) {
      const std::string_view all = std::string_view(waiting_).substr(begin_);
      const std::string_view input = all.substr(0, budget);
      const bool last = input.size() == all.size();
      const net::Flush flush = !last        ? net::Flush::none
                               : finishing_ ? net::Flush::finish
                               : unflushed_ ? net::Flush::block
                                            : net::Flush::none;
      const net::CodingStep step = encoder_->step(input, flush, buffer);
      begin_ += step.used;
      budget -= step.used;
      stats_.bytes_in += step.used;
      stats_.bytes_out += step.made;
      if (step.made > 0) blocked_ = !sink_.write_encoded({buffer.data(), step.made});
      more = step.more || (step.used < input.size());
      if (!more && last) {
        unflushed_ = false;
        finished_ = finishing_;
      }
      if (!more && !last) break;  // the turn's budget is used up
    }
    if (begin_ == waiting_.size()) {
      waiting_.clear();
      begin_ = 0;
    }
  }
  if (finished_) {
    sink_.finish_encoded();
  } else if (!blocked_ && !waiting_.empty()) {
    loop_.defer(due_);
  }
}

// On the loop's stack.
void BodyEncoder::later() {
  if (finished_ || blocked_) return;
  if (!waiting_.empty() || unflushed_ || finishing_) step();
  if (finished_ || blocked_ || !waiting_.empty()) return;
  if (std::exchange(owes_writable_, false)) sink_.encoder_writable();
}

}  // namespace skep::shard
