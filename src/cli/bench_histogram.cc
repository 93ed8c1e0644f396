#include "cli/bench_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace skep::cli {
namespace {
constexpr unsigned kValueBits = 63;  // a time is never negative
}

Histogram::Histogram() : buckets_(bucket_of((uint64_t{1} << kValueBits) - 1) + 1) {}

// A value of n bits, n > kLinearBits, loses its lowest n - kLinearBits bits: `shift`. What is left
// has its highest bit set, so each shift adds half of the linear range.
size_t Histogram::bucket_of(uint64_t value) {
  const auto bits = static_cast<unsigned>(std::bit_width(value));
  if (bits <= kLinearBits) return value;
  const unsigned shift = bits - kLinearBits;
  return (size_t{shift} << (kLinearBits - 1)) + (value >> shift);
}

uint64_t Histogram::highest_in(size_t bucket) {
  if (bucket < (size_t{1} << kLinearBits)) return bucket;
  const size_t shift = (bucket >> (kLinearBits - 1)) - 1;
  const uint64_t kept = bucket - (shift << (kLinearBits - 1));
  return ((kept + 1) << shift) - 1;
}

void Histogram::record(int64_t value) {
  value = std::max<int64_t>(value, 0);
  ++buckets_[bucket_of(static_cast<uint64_t>(value))];
  ++count_;
  sum_ += static_cast<double>(value);
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::clear() {
  *this = Histogram();
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

int64_t Histogram::quantile(double share) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(wanted));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::clamp(static_cast<int64_t>(highest_in(bucket)), min_, max_);
  }
  return max_;
}

}  // namespace skep::cli
