// SPDX-License-Identifier: Apache-2.0
#include "server/request/cost_curve.h"

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

TEST_CASE("CostCurve follows what it observes, a tenth at a time", "[request]") {
  CostCurve curve;
  curve.Observe(4, microseconds(100));
  CHECK(curve.Of(4) == microseconds(100));
  curve.Observe(4, microseconds(150));
  CHECK(curve.Of(4) == microseconds(105));
  SECTION("a single run counts as twice as long as expected at most") {
    curve.Observe(4, std::chrono::seconds(10));
    CHECK(curve.Of(4) == std::chrono::nanoseconds(115'500));
  }
  SECTION("a size that was not seen begins where the line was") {
    curve.Set(8, microseconds(205));
    curve.Observe(6, microseconds(155));
    CHECK(curve.Of(6) == microseconds(155));
    CHECK(curve.points().size() == 3);
  }
}

}  // namespace
}  // namespace torchere
