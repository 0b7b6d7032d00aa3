// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/pipeline.h"

#include <string>
#include <thread>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/core.h"

namespace torchere {
namespace {

TEST_CASE("Pipeline answers a request with the outputs of the version that ran") {
  Core core;
  REQUIRE(core.Load("m", 7, Identity).ok());
  const auto answer = core.Ask("m", {1, 2, 3});
  REQUIRE(answer.ok());
  CHECK(answer->model.name == "m");
  CHECK(answer->model.version == 7);
  CHECK(answer->model.method == "forward");
  CHECK(answer->model.digest.size() == std::string("sha256:").size() + 64);
  CHECK(answer->outputs.at(0).name == "output");
  CHECK(Floats(answer->outputs.at(0).value) == std::vector<float>{1, 2, 3});
}

TEST_CASE("Pipeline uses the names and shapes that model.yaml declares") {
  Core core;
  REQUIRE(core.Load("m", 1, Identity,
                    "schema: 1\n"
                    "inputs:\n  - {name: x, dtype: FP32, shape: [2]}\n"
                    "outputs:\n  - {name: output, rename: y}\n")
              .ok());
  SECTION("outputs have the declared names") {
    const auto answer = core.Ask("m", {1, 2});
    REQUIRE(answer.ok());
    CHECK(answer->outputs.at(0).name == "y");
  }
  SECTION("inputs are held to the declared shape") {
    const absl::Status status = core.Ask("m", {1, 2, 3}).status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(DetailsOf(status).reason == "SHAPE_MISMATCH");
    CHECK(DetailsOf(status).metadata.at("model") == "m");
  }
}

TEST_CASE("Pipeline refuses what cannot run, with a code and reason that say why") {
  Core core;
  REQUIRE(core.Load("m", 1, Identity).ok());
  Waiter waiter;
  Request request = RequestFor("m", {1}, waiter);
  absl::StatusCode code{};
  std::string reason;
  SECTION("an unknown model") {
    request.model.name = "n";
    code = absl::StatusCode::kNotFound;
    reason = "MODEL_NOT_FOUND";
  }
  SECTION("no model at all") {
    request.model.name = "";
    code = absl::StatusCode::kInvalidArgument;
    reason = "MISSING_MODEL";
  }
  SECTION("an unknown version") {
    request.model.choice = int64_t{9};
    code = absl::StatusCode::kNotFound;
    reason = "VERSION_NOT_FOUND";
  }
  SECTION("an unknown label") {
    request.model.choice = std::string("canary");
    code = absl::StatusCode::kNotFound;
    reason = "LABEL_NOT_FOUND";
  }
  SECTION("an unknown method") {
    request.model.method = "embed";
    code = absl::StatusCode::kNotFound;
    reason = "METHOD_NOT_FOUND";
  }
  SECTION("an unknown input") {
    request.inputs[0].name = "z";
    code = absl::StatusCode::kInvalidArgument;
    reason = "UNKNOWN_INPUT";
  }
  SECTION("a missing input") {
    request.inputs.clear();
    code = absl::StatusCode::kInvalidArgument;
    reason = "MISSING_INPUT";
  }
  SECTION("an unknown output") {
    request.outputs = {"z"};
    code = absl::StatusCode::kInvalidArgument;
    reason = "UNKNOWN_OUTPUT";
  }
  SECTION("a deadline that has passed") {
    request.context.deadline = Now();
    code = absl::StatusCode::kDeadlineExceeded;
    reason = "DEADLINE_EXCEEDED";
  }
  const absl::Status status = core.Ask(std::move(request), waiter).status();
  CHECK(status.code() == code);
  CHECK(DetailsOf(status).reason == reason);
  CHECK(core.Ask("m", {1}).ok());
}

TEST_CASE("Pipeline serves many models to many callers at a time") {
  Core core;
  for (const char* name : {"a", "b", "c"}) REQUIRE(core.Load(name, 1, Identity).ok());
  std::atomic<int> right = 0;
  std::vector<std::jthread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&core, &right] {
      for (int i = 0; i < 150; ++i) {
        const std::string model(1, static_cast<char>('a' + i % 3));
        const auto answer = core.Ask(model, {static_cast<float>(i)});
        if (answer.ok() && answer->model.name == model) ++right;
      }
    });
  }
  callers.clear();
  CHECK(right == 600);
}

}  // namespace
}  // namespace torchere
