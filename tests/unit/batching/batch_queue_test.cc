// SPDX-License-Identifier: Apache-2.0
#include "server/batching/batch_queue.h"

#include <string>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/batching/queue_fixture.h"

namespace torchere {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("BatchQueue gives requests that are not batched out one by one, oldest first") {
  QueueFixture f({.max_queued_rows = 3});
  REQUIRE(f.Push("a").ok());
  REQUIRE(f.Push("b").ok());
  CHECK(f.Cut() == "a");
  CHECK(f.Cut() == "b");
  CHECK(f.Cut() == "");
  CHECK(f.queue.empty());
}

TEST_CASE("BatchQueue refuses what it may not queue and leaves it untouched") {
  QueueFixture f({.batched = true, .max_queued_rows = 3});
  SECTION("what there is no room for") {
    REQUIRE(f.Push("a", 2).ok());
    Request request = f.Make("d", 2);
    const absl::Status status = f.queue.Push(request, {kNow});
    CHECK(absl::IsResourceExhausted(status));
    CHECK(DetailsOf(status).reason == "QUEUE_FULL");
    CHECK(DetailsOf(status).retry_after.has_value());
    CHECK(request.request_id == "d");
    CHECK(request.arguments.size() == 1);
    CHECK(f.Push("e", 1).ok());
  }
  SECTION("more rows than may ever wait") {
    const absl::Status status = f.Push("a", 4);
    CHECK(absl::IsInvalidArgument(status));
    CHECK(DetailsOf(status).reason == "LIMIT_EXCEEDED");
  }
  SECTION("what comes too late") {
    CHECK(absl::IsDeadlineExceeded(f.Push("late", 1, kNow)));
    CHECK(f.queue.empty());
  }
}

TEST_CASE("BatchQueue refuses what could not be answered in time, and says when to come back") {
  QueueFixture f({.batched = true, .max_time = seconds(2)});
  f.queue.SetCurve(Linear(milliseconds(10), milliseconds(10)));
  SECTION("with nothing ahead it is always taken") {
    CHECK(f.Push("a", 1, kNow + milliseconds(1)).ok());
  }
  SECTION("what its own queue holds takes longer than its deadline") {
    REQUIRE(f.Push("a", 50).ok());
    // 510 ms in all, and a fifth more to be sure.
    CHECK(f.Push("b", 1, kNow + milliseconds(613)).ok());
    const absl::Status status = f.Push("c", 1, kNow + milliseconds(620));
    CHECK(absl::IsResourceExhausted(status));
    CHECK(DetailsOf(status).reason == "QUEUE_TOO_LONG");
    CHECK(*DetailsOf(status).retry_after == absl::Milliseconds(510));
  }
  SECTION("two workers take half as long") {
    REQUIRE(f.Push("a", 50).ok());
    CHECK(f.Push("b", 1, kNow + milliseconds(313), {.ahead = {}, .workers = 2}).ok());
  }
  SECTION("what is ahead in other queues counts") {
    CHECK_FALSE(f.Push("a", 1, kNow + milliseconds(60), {.ahead = milliseconds(45)}).ok());
    CHECK(f.Push("a", 1, kNow + milliseconds(60), {.ahead = milliseconds(40)}).ok());
  }
  SECTION("the wait is capped by max_time, whatever the deadline") {
    REQUIRE(f.Push("a", 200).ok());
    CHECK(f.Push("b").ok());
    CHECK(DetailsOf(f.Push("c")).reason == "QUEUE_TOO_LONG");
  }
}

TEST_CASE("BatchQueue counts a run each for what waits and cannot run together") {
  QueueFixture f({.batched = true});
  f.queue.SetCurve(Linear(milliseconds(10), milliseconds(1)));
  const auto push = [&f](const char* id, Value x) {
    Request request = f.Make(id);
    request.arguments[0] = std::move(x);
    REQUIRE(f.queue.Push(request, {kNow}).ok());
  };
  SECTION("rows of other shapes") {
    for (int64_t length : {2, 3, 3, 4}) {
      Tensor x = FloatTensor(std::vector<float>(static_cast<size_t>(length)));
      x.shape = {1, length};
      push("a", {std::move(x)});
    }
    CHECK(f.queue.TimeForAll() == milliseconds(31));
    f.Cut();
    f.Cut();
    CHECK(f.queue.TimeForAll() == milliseconds(10));
  }
  SECTION("requests without rows") {
    for (int64_t i = 0; i < 5; ++i) push("a", {i});
    CHECK(f.queue.TimeForAll() == milliseconds(50));
    CHECK_FALSE(f.Push("b", 1, kNow + milliseconds(60)).ok());
  }
  SECTION("which say nothing of how long a run of rows takes") {
    for (int i = 0; i < 64; ++i) f.queue.Observe(0, seconds(1));
    CHECK(f.queue.curve().Of(1) == milliseconds(10));
  }
}

TEST_CASE("BatchQueue lets a request wait for ten of the device's longest runs") {
  QueueFixture f({});
  f.queue.SetCurve(Linear(milliseconds(1), milliseconds(1)));
  SECTION("1 s at least") {
    CHECK(f.Push("a", 1, kNever, {.ahead = milliseconds(1000)}).ok());
    CHECK_FALSE(f.Push("b", 1, kNever, {.ahead = milliseconds(1001)}).ok());
  }
  SECTION("those of a heavier model too") {
    Moment moment = {.now = kNow, .longest_run = milliseconds(500)};
    Request request = f.Make("a");
    CHECK(f.queue.Push(request, moment, {.ahead = milliseconds(5000)}).ok());
    moment.now += milliseconds(5000);
    CHECK(f.queue.TakeDead(moment).empty());
    moment.now += milliseconds(1);
    CHECK(f.queue.TakeDead(moment).size() == 1);
  }
}

TEST_CASE("BatchQueue takes all that can run together while it knows no cost") {
  QueueFixture f({.batched = true, .max_rows = 4});
  for (const char* id : {"a", "b", "c", "d", "e"}) REQUIRE(f.Push(id).ok());
  CHECK(f.Cut() == "abcd");
  CHECK(f.cut[0].rows == 4);
  CHECK(f.Cut() == "e");
}

TEST_CASE("BatchQueue cuts as many rows as are cheapest by the row") {
  QueueFixture f({.batched = true});
  CostCurve curve;
  for (const auto& [rows, time] :
       std::vector<std::pair<int64_t, int>>{{1, 24}, {2, 116}, {4, 122}, {8, 144}}) {
    curve.Set(rows, std::chrono::microseconds(time));
  }
  f.queue.SetCurve(curve);
  SECTION("two rows are faster as two runs") {
    REQUIRE((f.Push("a").ok() && f.Push("b").ok()));
    CHECK(f.Cut() == "a");
    CHECK(f.Cut() == "b");
  }
  SECTION("eight rows are faster as one run") {
    for (const char* id : {"a", "b", "c", "d", "e", "f", "g", "h", "i"}) REQUIRE(f.Push(id).ok());
    CHECK(f.queue.TimeForAll() == std::chrono::microseconds(144 + 24));
    // Either first: both ways take the same time, and fewer wait for the ninth.
    CHECK(f.Cut().size() + f.Cut().size() == 9);
  }
  SECTION("no run is longer than what was measured") {
    REQUIRE((f.Push("a", 6).ok() && f.Push("b", 6).ok()));
    CHECK(f.Cut() == "a");
  }
}

TEST_CASE("BatchQueue runs alone what gives an argument that could have been left out") {
  QueueFixture f({.batched = true});
  f.method.inputs.emplace_back().name = "dim";
  f.method.inputs[1].has_default = true;
  for (const char* id : {"a", "b"}) {
    Request request = f.Make(id);
    request.arguments.emplace_back(Value{int64_t{0}});
    REQUIRE(f.queue.Push(request, {kNow}).ok());
  }
  CHECK(f.Cut() == "a");
  CHECK(f.cut[0].rows == 0);
}

TEST_CASE("The parts of a large request wait as long as they have to, once the first is run") {
  QueueFixture f({.batched = true, .max_rows = 1});
  f.queue.SetCurve(Linear(seconds(1), seconds(1), 1));
  REQUIRE(f.Push("a", 3).ok());
  CHECK(f.Cut() == "a");
  CHECK(f.queue.TakeDead({kNow + seconds(1000)}).empty());
  CHECK(f.Cut(0, kNow + seconds(1000)) == "a");
}

TEST_CASE("BatchQueue leaves idle workers their share") {
  QueueFixture f({.batched = true});
  f.queue.SetCurve(Linear(milliseconds(5), milliseconds(1)));
  for (const char* id : {"a", "b", "c", "d"}) REQUIRE(f.Push(id).ok());
  CHECK(f.Cut(1) == "ab");
  CHECK(f.Cut(0) == "cd");
}

TEST_CASE("BatchQueue knows how long its next run may take, where that was measured") {
  QueueFixture f({.batched = true, .cut_all = GENERATE(false, true)});
  CHECK_FALSE(f.queue.NextRun());
  // One row is the cheapest by the row.
  f.queue.SetCurve(Linear(milliseconds(1), milliseconds(2)));
  CHECK_FALSE(f.queue.NextRun());
  for (const char* id : {"a", "b", "c"}) REQUIRE(f.Push(id).ok());
  const Duration next = *f.queue.NextRun();
  const std::string cut = f.Cut();
  CHECK(next == milliseconds(1 + 2 * (static_cast<int>(cut.size()) - 1)));
  SECTION("what one request holds is run in one") {
    while (!f.queue.empty()) f.Cut();
    REQUIRE(f.Push("many", 4).ok());
    CHECK(f.queue.NextRun() == milliseconds(7));
  }
  SECTION("what runs alone in spite of its method was not") {
    Request alone = f.Make("s");
    alone.arguments[0] = Value{int64_t{5}};
    REQUIRE(f.queue.Push(alone, {kNow}).ok());
    CHECK_FALSE(f.queue.NextRun());
  }
}

TEST_CASE("BatchQueue does not join rows that gain nothing by it") {
  QueueFixture f({.batched = true});
  f.queue.SetCurve(Linear(milliseconds(10), milliseconds(10)));
  for (const char* id : {"a", "b"}) REQUIRE(f.Push(id).ok());
  CHECK(f.Cut() == "a");
}

TEST_CASE("BatchQueue does not stay with short runs because the next longer one gains little") {
  QueueFixture f({.batched = true});
  CostCurve curve;
  curve.Set(1, microseconds(8500));
  curve.Set(2, microseconds(11560));
  curve.Set(4, microseconds(21440));
  curve.Set(8, microseconds(39840));
  curve.Set(16, microseconds(78400));
  f.queue.SetCurve(curve);
  for (int i = 0; i < 100; ++i) REQUIRE(f.Push("a").ok());
  f.Cut();
  CHECK(curve.Of(f.cut[0].rows) < f.cut[0].rows * microseconds(78400) / 16 * 31 / 30);
}

TEST_CASE("BatchQueue makes no long run for what the longest alone would save") {
  QueueFixture f({.batched = true});
  CostCurve curve;
  curve.Set(1, milliseconds(10));
  curve.Set(32, milliseconds(320));
  curve.Set(64, milliseconds(627));
  f.queue.SetCurve(curve);
  for (int i = 0; i < 128; ++i) REQUIRE(f.Push("a").ok());
  f.Cut();
  CHECK(f.cut[0].rows == 1);
}

TEST_CASE("What a run must save does not grow with what waits behind it") {
  QueueFixture f({.batched = true});
  CostCurve curve;
  curve.Set(1, milliseconds(7));
  curve.Set(2, milliseconds(10));
  curve.Set(4, milliseconds(20));
  curve.Set(64, milliseconds(640));
  f.queue.SetCurve(std::move(curve));
  for (int i = 0; i < 500; ++i) REQUIRE(f.Push("a").ok());
  CHECK(f.Cut() == "aa");
}

TEST_CASE("BatchQueue takes all that waits, whatever it costs, where it is told to") {
  QueueFixture f({.batched = true, .max_rows = 4, .cut_all = true});
  f.queue.SetCurve(Linear(milliseconds(10), milliseconds(30), 4));
  for (const char* id : {"a", "b", "c", "d", "e"}) REQUIRE(f.Push(id).ok());
  CHECK(f.Cut(1) == "abcd");
  CHECK(f.Cut(1) == "e");
}

TEST_CASE("BatchQueue joins only requests that agree, and keeps the others in order") {
  QueueFixture f({.batched = true});
  Request other = f.Make("x");
  std::get<Tensor>(other.arguments[0]->kind).dtype = DType::kInt32;
  Request alone = f.Make("s");
  alone.arguments[0] = Value{int64_t{5}};
  REQUIRE(f.Push("a").ok());
  REQUIRE(f.queue.Push(other, {kNow}).ok());
  REQUIRE(f.queue.Push(alone, {kNow}).ok());
  REQUIRE(f.Push("b").ok());
  CHECK(f.Cut() == "ab");
  CHECK(f.Cut() == "x");
  CHECK(f.Cut() == "s");
  CHECK(f.cut[2].rows == 0);
}

TEST_CASE("BatchQueue pads a run to the next bucket") {
  QueueFixture f({.batched = true, .max_rows = 8, .buckets = {2, 8}});
  REQUIRE((f.Push("a").ok() && f.Push("b").ok() && f.Push("c").ok()));
  CHECK(f.Cut() == "abc");
  CHECK(f.cut[0].rows == 3);
  CHECK(f.cut[0].run_rows == 8);
}

TEST_CASE(
    "BatchQueue holds a batch back for max_delay, but not for longer than a deadline allows") {
  QueueFixture f({.batched = true, .max_rows = 2, .max_delay = milliseconds(20)});
  f.queue.SetCurve(Linear(milliseconds(5), milliseconds(1), 2));
  CHECK(f.queue.ReadyAt({kNow}) == kNever);
  REQUIRE(f.Push("a").ok());
  CHECK(f.queue.ReadyAt({kNow}) == kNow + milliseconds(20));
  SECTION("until it is full") {
    REQUIRE(f.Push("b").ok());
    CHECK(f.queue.ReadyAt({kNow}) <= kNow);
  }
  SECTION("until its earliest deadline") {
    f.Cut();
    REQUIRE(f.Push("b", 1, kNow + milliseconds(15)).ok());
    // The run takes 5 ms, and a fifth more to be sure.
    CHECK(f.queue.ReadyAt({kNow}) == kNow + milliseconds(9));
  }
}

TEST_CASE("BatchQueue gives up what is dead and keeps the others in order") {
  QueueFixture f({.batched = true, .max_rows = 1, .max_time = seconds(5)});
  REQUIRE(f.Push("a").ok());
  REQUIRE(f.Push("b", 1, kNow + seconds(1)).ok());
  REQUIRE(f.Push("c").ok());
  SECTION("nothing before its time") { CHECK(f.queue.TakeDead({kNow}).empty()); }
  SECTION("what is past its deadline") {
    const auto dead = f.queue.TakeDead({kNow + seconds(1)});
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].request_id == "b");
    CHECK(f.Cut() == "a");
    CHECK(f.Cut() == "c");
  }
  SECTION("what nobody waits for") {
    f.waiters[0]->Abandon();
    const auto dead = f.queue.TakeDead({kNow});
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].request_id == "a");
    CHECK(f.Cut() == "b");
  }
  SECTION("what has waited longer than max_time") {
    CHECK(f.queue.TakeDead({kNow + seconds(6)}).size() == 3);
    CHECK(f.queue.TimeForAll() == Duration::zero());
  }
  SECTION("while it cuts") {
    f.waiters[0]->Abandon();
    CHECK(f.Cut() == "b");
    CHECK(f.cut[0].dead.at(0).request_id == "a");
  }
}

TEST_CASE("BatchQueue soon forgets how slow the first run was, where nothing was measured") {
  QueueFixture f({});
  f.queue.Observe(0, seconds(2));
  for (int i = 0; i < 10; ++i) f.queue.Observe(0, milliseconds(10));
  CHECK(f.queue.curve().Of(1) < milliseconds(15));
  CHECK(f.queue.LongestRun() < milliseconds(15));
}

TEST_CASE("BatchQueue learns how long runs take where nothing was measured") {
  QueueFixture f({.batched = true, .max_rows = 8});
  for (int i = 0; i < 40; ++i) f.queue.Observe(4, milliseconds(40));
  REQUIRE(f.Push("a", 8).ok());
  CHECK(f.queue.TimeForAll() == milliseconds(80));
}

}  // namespace
}  // namespace torchere
