// SPDX-License-Identifier: Apache-2.0
#include "server/request/cost_curve.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace torchere {
namespace {

// Of the difference between what a run took and what was expected: how much is
// taken for the machine's speed, and how much for the cost of such a size.
constexpr double kSpeed = 1.0 / 16;
constexpr double kSize = 1.0 / 128;
constexpr double kMostAtOnce = 2;

// The first point that has `rows` rows or more.
template <typename Points>
auto AtOrAbove(Points& points, int64_t rows) {
  return std::lower_bound(
      points.begin(), points.end(), rows,
      [](const CostCurve::Point& point, int64_t wanted) { return point.rows < wanted; });
}

}  // namespace

void CostCurve::Set(int64_t rows, Exact time) {
  const auto point = AtOrAbove(points_, rows);
  if (point != points_.end() && point->rows == rows) {
    point->time = time;
  } else {
    points_.insert(point, {rows, time});
  }
}

void CostCurve::AddPointFor(int64_t rows) {
  const auto above = AtOrAbove(points_, rows);
  const bool is_between = above != points_.end() && above != points_.begin();
  if (above != points_.end() && above->rows == rows) return;
  if (is_between && (rows < 2 * std::prev(above)->rows || above->rows < 2 * rows)) return;
  Set(rows, ExactOf(rows));
}

void CostCurve::Observe(int64_t rows, Duration time) {
  if (points_.empty()) return Set(rows, time);
  AddPointFor(rows);
  const Exact known = std::max(ExactOf(rows), Exact(1));
  const double ratio = std::clamp(Exact(time) / known, 1 / kMostAtOnce, kMostAtOnce);
  const double speed = std::pow(ratio, kSpeed);
  for (Point& point : points_) point.time *= speed;
  const double size = std::pow(ratio, kSize);
  const auto above = AtOrAbove(points_, rows);
  above->time *= size;
  if (above->rows != rows) std::prev(above)->time *= size;
}

Duration CostCurve::Of(int64_t rows) const {
  return std::chrono::duration_cast<Duration>(ExactOf(rows));
}

CostCurve::Exact CostCurve::ExactOf(int64_t rows) const {
  if (points_.empty()) return Exact::zero();
  const auto above = AtOrAbove(points_, rows);
  const auto wanted = static_cast<double>(rows);
  if (above == points_.end()) {
    return points_.back().time * wanted / static_cast<double>(points_.back().rows);
  }
  if (above->rows == rows || above == points_.begin()) return above->time;
  const Point& below = *std::prev(above);
  const auto share =
      static_cast<double>(rows - below.rows) / static_cast<double>(above->rows - below.rows);
  return below.time + (above->time - below.time) * share;
}

}  // namespace torchere
