// SPDX-License-Identifier: Apache-2.0
#include "server/batching/backlog.h"

#include "tests/support/catch.h"
#include "tests/unit/batching/queue_fixture.h"

namespace torchere {
namespace {

using std::chrono::milliseconds;

constexpr Backlog::Kind kAlone = {.alone = true};
constexpr Backlog::Kind kOne = {.hash = 1};
constexpr Backlog::Kind kOther = {.hash = 2};

TEST_CASE("Backlog counts a run for what can run together, and one each for what cannot") {
  const CutPlan plan(Linear(milliseconds(10), milliseconds(1)), 64);
  Backlog backlog;
  backlog.Add(kOne, 1, plan);
  backlog.Add(kOne, 4, plan);
  CHECK(backlog.time() == milliseconds(14));
  SECTION("rows of another shape are a run of their own") {
    backlog.Add(kOther, 5, plan);
    CHECK(backlog.time() == milliseconds(28));
    CHECK(backlog.rows() == 10);
  }
  SECTION("what runs alone is a run each") {
    backlog.Add(kAlone, 1, plan);
    backlog.Add(kAlone, 1, plan);
    CHECK(backlog.time() == milliseconds(34));
  }
  SECTION("what has gone costs nothing") {
    backlog.Add(kOther, 3, plan);
    backlog.Add(kOne, -5, plan);
    CHECK(backlog.time() == milliseconds(12));
    backlog.Add(kOther, -3, plan);
    CHECK(backlog.time() == Duration::zero());
    CHECK(backlog.rows() == 0);
  }
  SECTION("with another plan it costs as much as that says") {
    const CutPlan slower(Linear(milliseconds(20), milliseconds(2)), 64);
    backlog.Recount(slower);
    CHECK(backlog.time() == milliseconds(28));
    backlog.Add(kOne, -5, slower);
    CHECK(backlog.time() == Duration::zero());
  }
}

}  // namespace
}  // namespace torchere
