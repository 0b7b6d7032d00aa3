// SPDX-License-Identifier: Apache-2.0
// What deadlines mean for a run.
#include <chrono>
#include <string>

#include "tests/support/catch.h"
#include "tests/unit/batching/queue_fixture.h"

namespace torchere {
namespace {

using std::chrono::milliseconds;

TEST_CASE("BatchQueue does not let a batch outlast a deadline in it") {
  QueueFixture f({.batched = true});
  f.queue.SetCurve(Linear(milliseconds(50), milliseconds(10)));
  Time deadline = kNever;
  std::string expected;
  SECTION("all go together where there is time") { expected = "abc"; }
  SECTION("else the first goes before the others") {
    deadline = kNow + milliseconds(55);
    expected = "a";
  }
  REQUIRE(f.Push("a", 1, deadline).ok());
  REQUIRE((f.Push("b").ok() && f.Push("c").ok()));
  CHECK(f.Cut() == expected);
}

TEST_CASE("BatchQueue spends no run on what would be answered too late, while others wait") {
  QueueFixture f({});
  f.queue.SetCurve(Linear(milliseconds(50), milliseconds(50)));
  REQUIRE(f.Push("a", 1, kNow + milliseconds(100)).ok());
  const Time late = kNow + milliseconds(60);
  SECTION("it goes, and the next is run") {
    REQUIRE(f.Push("b").ok());
    CHECK(f.Cut(0, late) == "b");
    CHECK(f.cut[0].dead.at(0).request_id == "a");
  }
  SECTION("alone it is run: the cost is an estimate") { CHECK(f.Cut(0, late) == "a"); }
  SECTION("runs that take longer at the moment count as such") {
    REQUIRE(f.Push("b").ok());
    CHECK(f.Cut(0, kNow + milliseconds(20), 2) == "b");
  }
}

TEST_CASE("BatchQueue makes no short run for one that is late, where others were refused for it") {
  QueueFixture f({.batched = true, .max_rows = 8});
  f.queue.SetCurve(Linear(milliseconds(50), milliseconds(10)));
  REQUIRE(f.Push("a", 1, kNow + milliseconds(100)).ok());
  for (int i = 0; i < 7; ++i) REQUIRE(f.Push("b").ok());
  // Enough for it alone, too little for all.
  const Time late = kNow + milliseconds(45);
  std::string expected = "a";
  SECTION("nobody was refused") {}
  SECTION("somebody was who asked for what no server could do") {
    REQUIRE_FALSE(f.Push("c", 1, kNow + milliseconds(20)).ok());
  }
  SECTION("somebody was who could have been answered") {
    REQUIRE_FALSE(f.Push("c", 1, kNow + milliseconds(130)).ok());
    expected = "bbbbbbb";
  }
  CHECK(f.Cut(0, late) == expected);
}

}  // namespace
}  // namespace torchere
