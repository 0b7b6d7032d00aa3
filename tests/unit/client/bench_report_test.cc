// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/bench_report.h"

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

using std::chrono::milliseconds;

const ServedModel kModel = {.name = "digits", .version = 3};

LoadReport Report() {
  LoadReport report;
  for (int i = 1; i <= 1000; ++i) report.latencies.Add(milliseconds(i));
  report.elapsed = std::chrono::seconds(4);
  report.mean.queue = milliseconds(2);
  report.mean.compute = milliseconds(5);
  report.mean_batch_rows = 7.5;
  report.request_bytes = 303;
  return report;
}

TEST_CASE("BenchText tells throughput, percentiles and where the time went", "[cli]") {
  const std::string text = BenchText(kModel, {.concurrency = 8}, Report(), {});
  CHECK_THAT(text, Catch::StartsWith("digits version 3\n") &&
                       Catch::Contains("closed loop, 8 at a time, 4.00 s, 303 bytes a request") &&
                       Catch::Contains("250.0 requests/s") && Catch::Contains("1000 of 1000") &&
                       Catch::Contains("max 1.00 s") &&
                       Catch::Contains("queue 2.00 ms   model 5.00 ms   batch of 7.5 rows"));
  for (const char* name : {"p50 50", "p90 90", "p99 99", "p99.9 "}) {
    CHECK_THAT(text, Catch::Contains(name));
  }
}

TEST_CASE("BenchText tells what was not answered, by code and reason", "[cli]") {
  LoadReport report = Report();
  report.failures[{absl::StatusCode::kResourceExhausted, "QUEUE_FULL"}] = {12, "the queue is full"};
  report.failures[{absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED"}] = {3, "late"};
  report.not_sent = 4;
  report.cut_off = 5;
  const std::string text = BenchText(kModel, {.rate = 500}, report, {});
  CHECK_THAT(text, Catch::Contains("open loop, 500 requests/s at random times") &&
                       Catch::Contains("1000 of 1024") &&
                       Catch::Contains("12  RESOURCE_EXHAUSTED QUEUE_FULL  the queue is full\n") &&
                       Catch::Contains("3  DEADLINE_EXCEEDED ") && Catch::Contains("4  not sent") &&
                       Catch::Contains("5  cut off"));
}

TEST_CASE("BenchText of a load without an answer shows no latencies", "[cli]") {
  LoadReport report;
  report.failures[{absl::StatusCode::kUnavailable, ""}] = {4, "no connection"};
  const std::string text = BenchText(kModel, {}, report, {});
  CHECK_THAT(text, Catch::Contains("0 of 4") && Catch::Contains("4  UNAVAILABLE  no connection") &&
                       !Catch::Contains("latency") && !Catch::Contains("in the server"));
  const Json json = BenchJson(kModel, {}, report);
  CHECK(json["throughput"] == 0);
  CHECK(json["latency_ms"]["p99"].is_null());
  CHECK(json["server"]["queue_ms"].is_null());
}

TEST_CASE("BenchJson has every figure of the report", "[cli]") {
  LoadReport report = Report();
  report.failures[{absl::StatusCode::kResourceExhausted, "QUEUE_FULL"}] = {12, "full"};
  const Json json = BenchJson(kModel, {.rate = 300}, report);
  CHECK(json["model"]["name"] == "digits");
  CHECK(json["load"]["loop"] == "open");
  CHECK(json["load"]["rate"] == 300);
  CHECK(json["load"]["concurrency"].is_null());
  CHECK(json["load"]["elapsed_ms"] == 4000);
  CHECK(json["requests"]["ok"] == 1000);
  CHECK(json["requests"]["failed"] == 12);
  CHECK(json["throughput"] == 250);
  CHECK(json["latency_ms"]["p99.9"].get<double>() == Approx(999).epsilon(0.01));
  CHECK(json["server"]["compute_ms"] == 5);
  CHECK(json["server"]["batch_rows"] == 7.5);
  CHECK(json["errors"][0]["code"] == "RESOURCE_EXHAUSTED");
  CHECK(json["errors"][0]["reason"] == "QUEUE_FULL");
  CHECK(json["errors"][0]["count"] == 12);
}

TEST_CASE("ProgressText is one line of the last second", "[cli]") {
  LoadProgress progress = {.since_start = std::chrono::seconds(3),
                           .second = std::chrono::seconds(2),
                           .failed = 7,
                           .outstanding = 16};
  for (int i = 0; i < 10; ++i) progress.latencies.Add(milliseconds(20));
  CHECK(ProgressText(progress) ==
        "3 s  5.0 requests/s  p50 20.0 ms  p99 20.0 ms  16 waiting  7 failed");
}

}  // namespace
}  // namespace torchere::cli
