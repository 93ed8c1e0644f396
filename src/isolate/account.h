// What one worker has used of this shard's thread, over all its isolates and requests. The
// scheduler reads from it who runs at once and who takes turns in the background. Shared by the
// worker and its tenants; on the loop's thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/limits_fairness.h"

namespace skep::isolate {

class Account {
 public:
  // A slice that used so much CPU time and ended at `now_ns`.
  void charge(int64_t slice_ns, int64_t now_ns) {
    used_ns_ += slice_ns;
    turn_ns += slice_ns;
    if (slice_ns <= limits::kShortSliceNs) return;
    repay(now_ns);
    debt_ns_ = std::min(debt_ns_ + slice_ns, limits::kHeavyDebtMostNs);
  }

  // It has lately kept the thread for long stretches. What it runs next will probably be long too.
  bool heavy(int64_t now_ns) {
    if (debt_ns_ <= limits::kHeavyDebtNs) return false;
    repay(now_ns);
    return debt_ns_ > limits::kHeavyDebtNs;
  }

  int64_t used_ns() const { return used_ns_; }

  // The scheduler's: who has had least goes next.
  int64_t turn_ns = 0;

 private:
  void repay(int64_t now_ns) {
    if (now_ns <= repaid_at_ns_) return;
    const int64_t repaid_ns = (now_ns - repaid_at_ns_) / 100 * limits::kDebtRepaidPercent;
    debt_ns_ = std::max<int64_t>(0, debt_ns_ - repaid_ns);
    repaid_at_ns_ = now_ns;
  }

  int64_t used_ns_ = 0;
  int64_t debt_ns_ = 0;  // in slices that were not short
  int64_t repaid_at_ns_ = 0;
};

}  // namespace skep::isolate
