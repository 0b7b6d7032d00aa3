// SPDX-License-Identifier: Apache-2.0
#include "server/request/cost_curve.h"

#include <random>

#include "tests/support/catch.h"

namespace torchere {
namespace {

using std::chrono::microseconds;

TEST_CASE("CostCurve knows nothing until it is told", "[request]") {
  const CostCurve curve;
  CHECK(curve.empty());
  CHECK(curve.Of(5) == Duration::zero());
}

TEST_CASE("CostCurve is linear between its points and goes on by the row above them", "[request]") {
  CostCurve curve;
  curve.Set(8, microseconds(80));
  curve.Set(2, microseconds(50));
  CHECK(curve.Of(1) == microseconds(50));
  CHECK(curve.Of(2) == microseconds(50));
  CHECK(curve.Of(5) == microseconds(65));
  CHECK(curve.Of(8) == microseconds(80));
  CHECK(curve.Of(16) == microseconds(160));
  curve.Set(2, microseconds(20));
  CHECK(curve.Of(5) == microseconds(50));
}

TEST_CASE("CostCurve follows what it observes", "[request]") {
  CostCurve curve;
  curve.Observe(4, microseconds(100));
  CHECK(curve.Of(4) == microseconds(100));
  for (int i = 0; i < 200; ++i) curve.Observe(4, microseconds(150));
  CHECK(curve.Of(4) > microseconds(149));
  SECTION("a single run counts as twice as long as expected at most") {
    curve.Observe(4, std::chrono::seconds(10));
    CHECK(curve.Of(4) < microseconds(165));
  }
}

TEST_CASE("CostCurve takes a slower machine for slower at every size", "[request]") {
  CostCurve curve;
  curve.Set(1, microseconds(20));
  curve.Set(8, microseconds(100));
  curve.Set(32, microseconds(300));
  for (int i = 0; i < 200; ++i) curve.Observe(8, microseconds(200));
  CHECK(curve.Of(8) > microseconds(195));
  CHECK(curve.Of(32) > microseconds(500));
  CHECK(curve.Of(1) > microseconds(34));
}

TEST_CASE("CostCurve keeps its shape while a single size is run, whatever its times") {
  CostCurve curve;
  curve.Set(1, microseconds(30));
  curve.Set(8, microseconds(150));
  curve.Set(64, microseconds(800));
  std::mt19937 random(1);
  std::lognormal_distribution<double> noise(0, 0.4);
  for (int i = 0; i < 500000; ++i) {
    const double outlier = i % 100 == 0 ? 30 : 1;
    curve.Observe(1, Times(microseconds(30), noise(random) * outlier));
  }
  CHECK(curve.Of(8) / CostCurve::Exact(curve.Of(1)) == Approx(5).epsilon(0.25));
  CHECK(curve.Of(64) / CostCurve::Exact(curve.Of(1)) == Approx(800.0 / 30).epsilon(0.2));
}

TEST_CASE("CostCurve learns a size that was measured wrongly, beside others", "[request]") {
  CostCurve curve;
  curve.Set(1, microseconds(20));
  curve.Set(8, microseconds(500));
  curve.Set(32, microseconds(300));
  for (int i = 0; i < 2000; ++i) {
    curve.Observe(1, microseconds(20));
    curve.Observe(8, microseconds(100));
    curve.Observe(32, microseconds(300));
  }
  CHECK(curve.Of(1) / microseconds(1) == Approx(20).epsilon(0.05));
  CHECK(curve.Of(8) / microseconds(1) == Approx(100).epsilon(0.05));
  CHECK(curve.Of(32) / microseconds(1) == Approx(300).epsilon(0.05));
}

TEST_CASE("CostCurve makes a point of its own of a size far from the others", "[request]") {
  CostCurve curve;
  curve.Observe(4, microseconds(100));
  curve.Observe(1, microseconds(100));
  curve.Observe(64, microseconds(1600));
  curve.Observe(5, microseconds(100));
  curve.Observe(16, microseconds(400));
  curve.Observe(9, microseconds(100));
  std::vector<int64_t> rows;
  for (const CostCurve::Point& point : curve.points()) rows.push_back(point.rows);
  CHECK(rows == std::vector<int64_t>{1, 4, 16, 64});
}

}  // namespace
}  // namespace torchere
