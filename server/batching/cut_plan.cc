// SPDX-License-Identifier: Apache-2.0
#include "server/batching/cut_plan.h"

#include <algorithm>

namespace torchere {

CutPlan::CutPlan(const CostCurve& curve, int64_t max_rows, const std::vector<int64_t>& buckets) {
  for (int64_t rows = 1; rows <= max_rows; ++rows) {
    const auto bucket = std::lower_bound(buckets.begin(), buckets.end(), rows);
    run_.push_back(curve.Of(bucket == buckets.end() ? rows : *bucket));
    Duration best = run_.back();
    for (int64_t first = 1; first < rows; ++first) {
      best = std::min(best,
                      run_[static_cast<size_t>(first)] + total_[static_cast<size_t>(rows - first)]);
    }
    total_.push_back(best);
    if (run_.back() * best_rows_ <= run_[static_cast<size_t>(best_rows_)] * rows) best_rows_ = rows;
  }
}

Duration CutPlan::RunTime(int64_t rows) const {
  if (rows <= max_rows()) return run_[static_cast<size_t>(rows)];
  return run_.back() * rows / std::max<int64_t>(1, max_rows());
}

Duration CutPlan::TimeFor(int64_t rows) const {
  if (rows <= max_rows()) return total_[static_cast<size_t>(rows)];
  if (max_rows() == 0) return Duration::zero();
  // So many of the best that the rest is within the table.
  const int64_t runs = (rows - max_rows() + best_rows_ - 1) / best_rows_;
  return runs * RunTime(best_rows_) + total_[static_cast<size_t>(rows - runs * best_rows_)];
}

}  // namespace torchere
