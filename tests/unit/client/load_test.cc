// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/load.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "tests/support/catch.h"
#include "tests/unit/client/fake_server.h"

namespace torchere::cli {
namespace {

using testing::FakeServer;
using testing::Refusal;

const PredictCall kCall = {.model = "m", .inputs = {{.name = "x", .value = 1}}};

grpc::Status Answer(v1::PredictResponse& response) {
  response.mutable_timing()->mutable_queue()->set_nanos(2000);
  response.mutable_timing()->mutable_compute()->set_nanos(5000);
  response.mutable_timing()->set_batch_rows(8);
  return grpc::Status::OK;
}

TEST_CASE("a load sends as many requests as are asked for, in either loop", "[cli]") {
  FakeServer server;
  std::atomic<int> asked = 0;
  server.on_predict = [&](auto&, const v1::PredictRequest& request, auto& response) {
    asked += request.model().name() == "m" && request.inputs(0).value().int_() == 1;
    return Answer(response);
  };
  LoadPlan plan = {.concurrency = 7, .requests = 100};
  if (GENERATE(false, true)) plan.rate = 5000;
  const LoadReport report = RunLoad(server.address(), kCall, plan, {});
  CHECK(asked == 100);
  CHECK(report.ok() == 100);
  CHECK(report.all_ok());
  CHECK(report.elapsed.count() > 0);
  CHECK(report.elapsed >= report.latencies.max());
  CHECK(report.mean.queue == std::chrono::microseconds(2));
  CHECK(report.mean.compute == std::chrono::microseconds(5));
  CHECK(report.mean_batch_rows == 8);
  CHECK(report.request_bytes > 0);
}

TEST_CASE("a load ends after its duration and takes the answers that are on their way", "[cli]") {
  FakeServer server;
  std::atomic<int64_t> asked = 0;
  server.on_predict = [&](auto&, const auto&, auto& response) {
    ++asked;
    return Answer(response);
  };
  LoadPlan plan = {.concurrency = 4, .duration = std::chrono::milliseconds(50)};
  if (GENERATE(false, true)) plan.rate = 1000;
  const LoadReport report = RunLoad(server.address(), kCall, plan, {});
  CHECK(report.ok() > 0);
  CHECK(report.ok() == asked);
  CHECK(report.all_ok());
}

TEST_CASE("the closed loop holds as many requests out as its concurrency says", "[cli]") {
  FakeServer server;
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0, most = 0;
  // The first five wait for each other: fewer would never be answered.
  server.on_predict = [&](auto&, const auto&, auto& response) {
    std::unique_lock lock(mutex);
    most = std::max(most, ++inside);
    changed.notify_all();
    changed.wait(lock, [&] { return most == 5; });
    --inside;
    return Answer(response);
  };
  CHECK(RunLoad(server.address(), kCall, {.concurrency = 5, .requests = 50}, {}).all_ok());
  CHECK(most == 5);
}

TEST_CASE("a load counts errors by code and reason", "[cli]") {
  FakeServer server;
  std::atomic<int> asked = 0;
  server.on_predict = [&](auto&, const auto&, auto& response) {
    switch (asked++ % 4) {
      case 0:
        return Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "QUEUE_FULL", {}, 10);
      case 1:
        return Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "late", "QUEUE_TIMEOUT");
      case 2:
        return grpc::Status(grpc::StatusCode::INTERNAL, "plain");
      default:
        return Answer(response);
    }
  };
  const LoadReport report =
      RunLoad(server.address(), kCall, {.concurrency = 3, .requests = 40}, {});
  CHECK(report.ok() == 10);
  CHECK(report.failed() == 30);
  CHECK_FALSE(report.all_ok());
  REQUIRE(report.failures.size() == 3);
  const Failures& full = report.failures.at({absl::StatusCode::kResourceExhausted, "QUEUE_FULL"});
  CHECK(full.count == 10);
  CHECK(full.message == "full");
  CHECK(report.failures.at({absl::StatusCode::kInternal, ""}).count == 10);
}

TEST_CASE("an interrupted load cancels what is outstanding and tells how much", "[cli]") {
  FakeServer server;
  std::atomic<int> asked = 0;
  // The first is answered, the others wait until they are cancelled.
  server.on_predict = [&](grpc::ServerContext& context, const auto&, auto& response) {
    if (asked++ == 0) return Answer(response);
    while (!context.IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  };
  LoadPlan plan = {.concurrency = 3, .duration = std::chrono::hours(1)};
  if (GENERATE(false, true)) plan.rate = 1000;
  const LoadReport report =
      RunLoad(server.address(), kCall, plan, {.interrupted = [&] { return asked >= 4; }});
  CHECK(report.ok() == 1);
  CHECK(report.failed() == 0);
  CHECK(report.cut_off >= 3);
  CHECK_FALSE(report.all_ok());
}

TEST_CASE("a request that takes longer than the timeout is counted as such", "[cli]") {
  FakeServer server;
  server.on_predict = [&](grpc::ServerContext& context, const auto&, auto&) {
    while (!context.IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  };
  const LoadPlan plan = {.concurrency = 2, .requests = 2, .timeout = std::chrono::milliseconds(20)};
  const LoadReport report = RunLoad(server.address(), kCall, plan, {});
  CHECK(report.failures.at({absl::StatusCode::kDeadlineExceeded, ""}).count == 2);
}

TEST_CASE("what the open loop cannot send in time is counted, not sent late", "[cli]") {
  FakeServer server;
  std::atomic<int> asked = 0;
  server.on_predict = [&](auto&, const auto&, auto& response) {
    ++asked;
    return Answer(response);
  };
  // Later than allowed even when it is sent at once.
  const LoadPlan plan = {
      .rate = 10000, .requests = 20, .max_late = std::chrono::nanoseconds(-1'000'000'000)};
  const LoadReport report = RunLoad(server.address(), kCall, plan, {});
  CHECK(asked == 0);
  CHECK(report.not_sent == 20);
  CHECK_FALSE(report.all_ok());
}

TEST_CASE("without a server each request fails, and the load ends", "[cli]") {
  const LoadReport report =
      RunLoad("unix:/nonexistent/torchere.sock", kCall, {.concurrency = 2, .requests = 4}, {});
  CHECK(report.ok() == 0);
  CHECK(report.failures.at({absl::StatusCode::kUnavailable, ""}).count == 4);
  CHECK_FALSE(report.all_ok());
}

}  // namespace
}  // namespace torchere::cli
