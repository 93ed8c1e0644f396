// Latencies in few bytes: a log-linear histogram after HdrHistogram (Gil Tene). Each power of two
// is cut into equal steps, so that every value is kept within 0.2 % of itself, from 1 ns to
// centuries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace skep::cli {

class Histogram {
 public:
  Histogram();

  void record(int64_t value);
  void clear();

  uint64_t count() const { return count_; }
  int64_t min() const { return count_ == 0 ? 0 : min_; }
  int64_t max() const { return max_; }
  double mean() const;
  // The value that this share of all values does not exceed (0 to 1), within 0.2 %; 0 without
  // values.
  int64_t quantile(double share) const;

 private:
  // Values below 2^kLinearBits have a bucket each; above, each power of two has 2^(kLinearBits-1).
  static constexpr unsigned kLinearBits = 10;
  static size_t bucket_of(uint64_t value);
  static uint64_t highest_in(size_t bucket);

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  double sum_ = 0;
  int64_t min_ = INT64_MAX;
  int64_t max_ = 0;
};

}  // namespace skep::cli
