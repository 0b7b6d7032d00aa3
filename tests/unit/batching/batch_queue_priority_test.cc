// SPDX-License-Identifier: Apache-2.0
// BatchQueue: requests of several priorities.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/batching/batch_queue.h"
#include "tests/support/catch.h"
#include "tests/unit/batching/queue_fixture.h"

namespace torchere {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Queues a request of one row.
absl::Status PushPriority(QueueFixture& f, const std::string& id, int32_t priority,
                          Time deadline = kNever, Time now = kNow) {
  Request request = f.Make(id, 1, deadline);
  request.priority = priority;
  return f.queue.Push(request, {now});
}

TEST_CASE("BatchQueue lets higher priorities go first, and earlier requests of the same") {
  QueueFixture f({.batched = true});
  f.queue.SetCurve(Linear(milliseconds(10), milliseconds(10)));
  for (const auto& [id, priority] : std::vector<std::pair<std::string, int32_t>>{
           {"a", 0}, {"b", -1}, {"c", 5}, {"d", 0}, {"e", 5}, {"f", 7}}) {
    REQUIRE(PushPriority(f, id, priority).ok());
  }
  std::string order;
  while (!f.queue.empty()) order += f.Cut();
  CHECK(order == "fceadb");
}

TEST_CASE("BatchQueue lets requests of several priorities run together, the higher first") {
  QueueFixture f({.batched = true, .max_rows = 3});
  for (const auto& [id, priority] :
       std::vector<std::pair<std::string, int32_t>>{{"a", 0}, {"b", 1}, {"c", 0}, {"d", 1}}) {
    REQUIRE(PushPriority(f, id, priority).ok());
  }
  CHECK(f.Cut() == "bda");
  CHECK(f.Cut() == "c");
}

TEST_CASE("BatchQueue gives up what has been overtaken until its time had passed") {
  QueueFixture f({.max_time = seconds(2)});
  REQUIRE(PushPriority(f, "low", -1).ok());
  REQUIRE(PushPriority(f, "lowest", -2, kNever, kNow + seconds(2)).ok());
  REQUIRE(PushPriority(f, "a", 0, kNever, kNow + seconds(3)).ok());
  const Batch batch = f.queue.Cut({.now = kNow + seconds(3)});
  CHECK(f.Cut(0, kNow + seconds(3)) == "lowest");
  CHECK(batch.requests.at(0).request_id == "a");
  CHECK(batch.dead.at(0).request_id == "low");
}

TEST_CASE("The parts of a large request have its priority and stay in order") {
  QueueFixture f({.batched = true, .max_rows = 2});
  REQUIRE(f.Push("a").ok());
  Request large = f.Make("l", 3);
  large.priority = 1;
  REQUIRE(f.queue.Push(large, {kNow}).ok());
  f.Cut();
  CHECK(f.cut[0].rows == 2);
  CHECK(f.Cut() == "la");
}

TEST_CASE("Only what goes first is ahead of a request of a higher priority") {
  QueueFixture f({.batched = true, .max_time = seconds(5)});
  f.queue.SetCurve(Linear(milliseconds(10), milliseconds(10)));
  for (int i = 0; i < 40; ++i) REQUIRE(PushPriority(f, "a", 0).ok());
  for (int i = 0; i < 4; ++i) REQUIRE(PushPriority(f, "b", 1).ok());
  // 40 ms are ahead, it takes 10, and a fifth more to be sure.
  CHECK_FALSE(PushPriority(f, "c", 1, kNow + milliseconds(59)).ok());
  CHECK(PushPriority(f, "d", 1, kNow + milliseconds(61)).ok());
  CHECK(PushPriority(f, "e", 2, kNow + milliseconds(1)).ok());
  CHECK_FALSE(PushPriority(f, "f", 0, kNow + milliseconds(100)).ok());
}

}  // namespace
}  // namespace torchere
