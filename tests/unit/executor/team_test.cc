// SPDX-License-Identifier: Apache-2.0
#include "server/executor/team.h"

#include <utility>

#include "tests/support/catch.h"

namespace torchere {
namespace {

using std::chrono::milliseconds;

TEST_CASE("A run that is faster with all cores gets those that are free") {
  const Team team = ChooseTeam(milliseconds(50), milliseconds(27), {.free = 2, .all = 2});
  CHECK(team.threads == 2);
  CHECK(team.time == milliseconds(27));
}

TEST_CASE("With a part of the cores a run is expected to take what Amdahl's law says") {
  // A fifth of the run is one thread's.
  const Team team = ChooseTeam(milliseconds(100), milliseconds(40), {.free = 2, .all = 4});
  CHECK(team.threads == 2);
  CHECK(team.time == milliseconds(60));
}

TEST_CASE("A run keeps to its own threads") {
  const Cores two = {.free = 2, .all = 2};
  SECTION("where no other core is free") {
    CHECK(ChooseTeam(milliseconds(50), milliseconds(27), {.free = 1, .all = 2}).threads == 1);
    CHECK(ChooseTeam(milliseconds(50), milliseconds(27), {.free = -1, .all = 2}).threads == 1);
  }
  SECTION("where it is short") {
    CHECK(ChooseTeam(milliseconds(19), milliseconds(10), two).threads == 1);
  }
  SECTION("where more save less than a tenth") {
    CHECK(ChooseTeam(milliseconds(50), milliseconds(46), two).threads == 1);
    CHECK(ChooseTeam(milliseconds(50), milliseconds(60), two).threads == 1);
  }
  SECTION("where a part of what was measured is too little") {
    const Duration with_all = milliseconds(42);
    CHECK(ChooseTeam(milliseconds(50), with_all, {.free = 16, .all = 16}).threads == 16);
    CHECK(ChooseTeam(milliseconds(50), with_all, {.free = 2, .all = 16}).threads == 1);
  }
  SECTION("where it was not measured with more") {
    CHECK(ChooseTeam(milliseconds(50), Duration::zero(), two).threads == 1);
    CHECK(ChooseTeam(Duration::zero(), Duration::zero(), two).threads == 1);
  }
}

TEST_CASE("A run's own threads are as many as its worker has, and take what they took") {
  const Team team = ChooseTeam(milliseconds(50), milliseconds(30), {.own = 2, .free = 2, .all = 6});
  CHECK(team.threads == 2);
  CHECK(team.time == milliseconds(50));
}

// Batches of a row that are expected to take 50 ms with one core, 27 with two.
struct Costs {
  Costs() {
    CostCurve curve;
    curve.Set(1, milliseconds(27));
    costs.Set(std::move(curve));
    batch.rows = batch.run_rows = 1;
    batch.expected = milliseconds(50);
  }
  int Threads() { return costs.Choose(batch, {.free = 2, .all = 2}).threads; }

  Batch batch;
  TeamCosts costs{true};
};

TEST_CASE("TeamCosts learns from the runs for which it chose all cores") {
  Costs f;
  CHECK(f.Threads() == 2);
  for (int i = 0; i < 100; ++i) f.costs.Observe(f.batch, milliseconds(60));
  CHECK(f.Threads() == 1);
}

TEST_CASE("TeamCosts tries again what was slow, and goes on with it where it is not any more") {
  Costs f;
  for (int i = 0; i < 100; ++i) f.costs.Observe(f.batch, milliseconds(60));
  for (int i = 0; i < 255; ++i) CHECK(f.Threads() == 1);
  CHECK(f.Threads() == 2);
  SECTION("it is fast now") {
    f.costs.Observe(f.batch, milliseconds(27));
    CHECK(f.Threads() == 2);
  }
  SECTION("it is still slow") {
    f.costs.Observe(f.batch, milliseconds(60));
    for (int i = 0; i < 255; ++i) CHECK(f.Threads() == 1);
  }
}

TEST_CASE("TeamCosts tries nothing that is short, or for which not all cores are free") {
  Costs f;
  for (int i = 0; i < 100; ++i) f.costs.Observe(f.batch, milliseconds(60));
  Cores cores = {.free = 2, .all = 2};
  SECTION("short") { f.batch.expected = milliseconds(19); }
  SECTION("two of three") { cores.all = 3; }
  SECTION("never measured") { f.costs.Set({}); }
  for (int i = 0; i < 600; ++i) CHECK(f.costs.Choose(f.batch, cores).threads == 1);
}

TEST_CASE("TeamCosts knows nothing of a batched method's runs without rows") {
  Costs f;
  f.batch.rows = f.batch.run_rows = 0;
  CHECK(f.Threads() == 1);
}

}  // namespace
}  // namespace torchere
