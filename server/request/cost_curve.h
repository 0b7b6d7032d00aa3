// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "server/base/clock.h"

namespace torchere {

// How long one run of a method takes on a device, by its rows. More rows are
// not always cheaper by the row, so it is measured and not assumed.
class CostCurve {
 public:
  // Not whole nanoseconds: what is cut off at each of a million small steps adds up.
  using Exact = std::chrono::duration<double, std::nano>;

  struct Point {
    int64_t rows;
    Exact time;
  };

  // A run of `rows` rows, at least 1, takes `time`: in place of what was known.
  void Set(int64_t rows, Exact time);

  // A run of `rows` rows took `time`. Where that is not what was expected it is
  // mostly the machine that is slower or faster than it was, at any size: all
  // points move a sixteenth of the way, those beside `rows` a little more. So sizes
  // that were not run lately stay comparable with those that were. By factors: ups
  // and downs around the same time leave no trace. A single run counts as twice as
  // long, or half as long, as expected at most: the machine may have been busy.
  void Observe(int64_t rows, Duration time);

  // Linear between the points; below the first as long as that, above the last
  // as long for a row as that. Zero while nothing is known.
  Duration Of(int64_t rows) const;

  bool empty() const { return points_.empty(); }
  // By rows; what is above the last has not been measured.
  const std::vector<Point>& points() const { return points_; }

 private:
  Exact ExactOf(int64_t rows) const;
  // Sees to it that there is a point near enough to `rows` to learn what it costs.
  void AddPointFor(int64_t rows);

  std::vector<Point> points_;
};

}  // namespace torchere
