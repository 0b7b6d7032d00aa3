// SPDX-License-Identifier: Apache-2.0
#include "server/batching/batch_queue.h"

#include <memory>
#include <string>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

constexpr Time kNow = Time() + std::chrono::seconds(1000);

struct Fixture {
  Request Make(const std::string& id, Time deadline = kNever) {
    waiters.push_back(std::make_unique<Waiter>());
    Request request = RequestFor("m", {1}, *waiters.back());
    request.request_id = id;
    request.context.deadline = deadline;
    return request;
  }
  absl::Status Push(const std::string& id, Time deadline = kNever) {
    Request request = Make(id, deadline);
    return queue.Push(request, kNow);
  }

  std::vector<std::unique_ptr<Waiter>> waiters;
  BatchQueue queue{{.max_queued_requests = 3}};
};

TEST_CASE("BatchQueue gives requests out oldest first") {
  Fixture f;
  REQUIRE(f.Push("a").ok());
  REQUIRE(f.Push("b").ok());
  CHECK(f.queue.Cut().requests.at(0).request_id == "a");
  CHECK(f.queue.Cut().requests.at(0).request_id == "b");
  CHECK(f.queue.Cut().empty());
  CHECK(f.queue.empty());
}

TEST_CASE("BatchQueue refuses what it may not queue and leaves it untouched") {
  Fixture f;
  SECTION("what is over its limit") {
    for (const char* id : {"a", "b", "c"}) REQUIRE(f.Push(id).ok());
    Request request = f.Make("d");
    const absl::Status status = f.queue.Push(request, kNow);
    CHECK(absl::IsResourceExhausted(status));
    CHECK(DetailsOf(status).reason == "QUEUE_FULL");
    CHECK(DetailsOf(status).retry_after.has_value());
    CHECK(request.request_id == "d");
    CHECK(request.inputs.size() == 1);
  }
  SECTION("what comes too late") {
    CHECK(absl::IsDeadlineExceeded(f.Push("late", kNow)));
    CHECK(f.queue.empty());
  }
}

TEST_CASE("BatchQueue gives up what is dead and keeps the others in order") {
  Fixture f;
  REQUIRE(f.Push("a").ok());
  REQUIRE(f.Push("b", kNow + std::chrono::seconds(1)).ok());
  REQUIRE(f.Push("c").ok());
  SECTION("nothing before its time") { CHECK(f.queue.TakeDead(kNow).empty()); }
  SECTION("what is past its deadline") {
    const auto dead = f.queue.TakeDead(kNow + std::chrono::seconds(1));
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].request_id == "b");
    CHECK(f.queue.Cut().requests.at(0).request_id == "a");
    CHECK(f.queue.Cut().requests.at(0).request_id == "c");
  }
  SECTION("what nobody waits for") {
    f.waiters[0]->Abandon();
    const auto dead = f.queue.TakeDead(kNow);
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].request_id == "a");
    CHECK(f.queue.Cut().requests.at(0).request_id == "b");
  }
}

}  // namespace
}  // namespace torchere
