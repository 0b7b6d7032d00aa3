// SPDX-License-Identifier: Apache-2.0
#include "server/request/cost_curve.h"

#include <algorithm>
#include <iterator>

namespace torchere {
namespace {

// The first point that has `rows` rows or more.
template <typename Points>
auto AtOrAbove(Points& points, int64_t rows) {
  return std::lower_bound(
      points.begin(), points.end(), rows,
      [](const CostCurve::Point& point, int64_t wanted) { return point.rows < wanted; });
}

}  // namespace

void CostCurve::Set(int64_t rows, Duration time) {
  const auto point = AtOrAbove(points_, rows);
  if (point != points_.end() && point->rows == rows) {
    point->time = time;
  } else {
    points_.insert(point, {rows, time});
  }
}

void CostCurve::Observe(int64_t rows, Duration time) {
  if (points_.empty()) return Set(rows, time);
  const Duration known = Of(rows);
  Set(rows, known + (std::min(time, 2 * known) - known) / 10);
}

Duration CostCurve::Of(int64_t rows) const {
  if (points_.empty()) return Duration::zero();
  const auto above = AtOrAbove(points_, rows);
  if (above == points_.end()) return points_.back().time * rows / points_.back().rows;
  if (above->rows == rows || above == points_.begin()) return above->time;
  const Point& below = *std::prev(above);
  return below.time + (above->time - below.time) * (rows - below.rows) / (above->rows - below.rows);
}

}  // namespace torchere
