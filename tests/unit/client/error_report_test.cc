// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/error_report.h"

#include <string>

#include "absl/strings/str_join.h"
#include "client/cpp/wire/status.h"
#include "tests/support/catch.h"
#include "tests/unit/client/fake_server.h"

namespace torchere::cli {
namespace {

std::string Steps(const absl::Status& status) {
  Options options;
  options.server = "h:1";
  options.model = "wine";
  return absl::StrJoin(NextSteps(status, options), "\n");
}

std::string StepsOf(grpc::StatusCode code, const std::string& reason, int retry_ms = 0) {
  return Steps(FromGrpc(testing::Refusal(code, "x", reason, {}, retry_ms)));
}

TEST_CASE("an error of ours is shown with code, reason, message and next steps", "[cli]") {
  const absl::Status status = FromGrpc(
      testing::Refusal(grpc::StatusCode::NOT_FOUND, "no model\x1b 'x'", "MODEL_NOT_FOUND"));
  CHECK(ErrorText(status, {"Do this.", "Or that."}, {}) ==
        "error: NOT_FOUND MODEL_NOT_FOUND: no model\\x1b 'x'\n  Do this.\n  Or that.\n");
}

TEST_CASE("a reason that is its code's name, or none, is not repeated", "[cli]") {
  CHECK(ErrorText(FromGrpc(testing::Refusal(grpc::StatusCode::INTERNAL, "x", "INTERNAL")), {},
                  {}) == "error: INTERNAL: x\n");
  CHECK(ErrorText(absl::UnavailableError("x"), {}, {}) == "error: UNAVAILABLE: x\n");
}

TEST_CASE("each kind of error says what to do next", "[cli]") {
  using grpc::StatusCode;
  CHECK_THAT(
      Steps(absl::UnavailableError("")),
      Catch::Contains("server running at h:1? Start one with: torchere-server --models=DIR"));
  CHECK_THAT(Steps(absl::DeadlineExceededError("")),
             Catch::Contains("30 s; allow more: --timeout"));
  CHECK_THAT(Steps(absl::UnimplementedError("")), Catch::Contains("a torchere-server"));
  CHECK_THAT(StepsOf(StatusCode::NOT_FOUND, "MODEL_NOT_FOUND"), Catch::Contains("torchere status"));
  CHECK_THAT(StepsOf(StatusCode::NOT_FOUND, "LABEL_NOT_FOUND"),
             Catch::Contains("torchere status wine"));
  CHECK_THAT(StepsOf(StatusCode::INVALID_ARGUMENT, "MISSING_INPUT"),
             Catch::Contains("torchere signature wine"));
  CHECK_THAT(StepsOf(StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", 250),
             Catch::Contains("try again in 250.0 ms"));
  CHECK_THAT(StepsOf(StatusCode::RESOURCE_EXHAUSTED, "SERVER_FULL"), Catch::Contains("later"));
  CHECK_THAT(StepsOf(StatusCode::RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE"),
             Catch::Contains("--max-message-bytes"));
  CHECK_THAT(StepsOf(StatusCode::UNAVAILABLE, "DRAINING"), Catch::Contains("shutting down"));
  CHECK_THAT(StepsOf(StatusCode::UNAVAILABLE, "MODEL_HANGS"), Catch::Contains("torchere status"));
  CHECK_THAT(StepsOf(StatusCode::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
             Catch::Contains("--timeout"));
  CHECK_THAT(StepsOf(StatusCode::INTERNAL, "MODEL_FAILED"), Catch::Contains("log"));
}

}  // namespace
}  // namespace torchere::cli
