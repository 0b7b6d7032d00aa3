// SPDX-License-Identifier: Apache-2.0
#include "server/batching/cut_plan.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

using std::chrono::microseconds;

// What was measured of a small network: two rows cost more than two runs of one.
CostCurve Uneven() {
  CostCurve curve;
  const std::vector<std::pair<int64_t, int>> points = {{1, 24},   {2, 116},  {4, 122}, {8, 144},
                                                       {16, 200}, {32, 270}, {64, 760}};
  for (const auto& [rows, time] : points) curve.Set(rows, microseconds(time));
  return curve;
}

TEST_CASE("CutPlan cuts a few rows into runs of one where that is faster") {
  const CutPlan plan(Uneven(), 64);
  CHECK(plan.TimeFor(0) == Duration::zero());
  CHECK(plan.TimeFor(2) == microseconds(48));
  CHECK(plan.TimeFor(3) == microseconds(72));
  CHECK(plan.TimeFor(8) == microseconds(144));
}

TEST_CASE("CutPlan knows the run that is cheapest by the row, and uses it for many rows") {
  const CutPlan plan(Uneven(), 64);
  CHECK(plan.best_rows() == 32);
  CHECK(plan.TimeFor(64) == microseconds(540));
  CHECK(plan.TimeFor(320) == microseconds(2700));
}

TEST_CASE("CutPlan is never dearer than any way to cut") {
  const CostCurve curve = Uneven();
  const CutPlan plan(curve, 64);
  for (int64_t rows = 1; rows <= 200; ++rows) {
    for (int64_t run = 1; run <= 64; ++run) {
      const int64_t runs = rows / run, rest = rows % run;
      const Duration time = runs * curve.Of(run) + (rest > 0 ? curve.Of(rest) : Duration::zero());
      INFO(rows << " rows in runs of " << run);
      // Above the table only runs of the best size are looked at.
      const Duration slack = rows > 64 ? curve.Of(plan.best_rows()) : Duration::zero();
      CHECK(plan.TimeFor(rows) <= time + slack);
    }
  }
}

TEST_CASE("CutPlan with buckets takes each run for the next larger bucket") {
  const CutPlan plan(Uneven(), 32, {4, 32});
  CHECK(plan.RunTime(1) == microseconds(122));
  CHECK(plan.RunTime(5) == microseconds(270));
  CHECK(plan.TimeFor(5) == microseconds(244));
}

TEST_CASE("CutPlan of nothing costs nothing") {
  const CutPlan plan;
  CHECK(plan.TimeFor(100) == Duration::zero());
  CHECK(plan.RunTime(100) == Duration::zero());
}

}  // namespace
}  // namespace torchere
