// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "server/base/clock.h"
#include "server/request/cost_curve.h"

namespace torchere {

// The cheapest way to run any number of rows in runs of at most so many, by a
// cost curve: 2 rows are two runs of 1 where that is faster.
class CutPlan {
 public:
  // Nothing costs anything: all that is there is best run at once.
  CutPlan() = default;

  // For runs of 1 to `max_rows` rows. With `buckets` (ascending, the last at
  // least max_rows) a run takes as long as the next larger bucket.
  CutPlan(const CostCurve& curve, int64_t max_rows, const std::vector<int64_t>& buckets = {});

  // One run of `rows` rows.
  Duration RunTime(int64_t rows) const;

  // `rows` rows, cut in the cheapest way; zero for none.
  Duration TimeFor(int64_t rows) const;

  // The rows of the run that is cheapest for a row.
  int64_t best_rows() const { return best_rows_; }

 private:
  int64_t max_rows() const { return static_cast<int64_t>(run_.size()) - 1; }

  // By rows, from 0 to max_rows.
  std::vector<Duration> run_ = {Duration::zero()};
  std::vector<Duration> total_ = {Duration::zero()};
  int64_t best_rows_ = 1;
};

}  // namespace torchere
