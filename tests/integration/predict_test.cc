// SPDX-License-Identifier: Apache-2.0
// The sample models and their neighbours through the real server, with the C++
// client.
#include <atomic>
#include <chrono>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server.h"

namespace torchere {
namespace {

Tensor Floats(std::vector<int64_t> shape, const std::vector<float>& items) {
  return *Tensor::Of<float>(std::move(shape), std::span<const float>(items));
}

std::string ReasonOf(const absl::Status& status) {
  const auto details = DetailsOf(status);
  return details ? details->reason : "none";
}

TEST_CASE("The sample models are served by their names, with what their files declare") {
  Server server({"--models=" + kSource + "/models"});
  CHECK(server.ready_line() == "torchere-server ready grpc=" + server.target() + " models=2");
  const Client client = server.Connect();

  const auto digits = client.Predict(
      {.model = "digits", .inputs = {{"pixels", Floats({2, 1, 8, 8}, std::vector<float>(128))}}});
  REQUIRE(digits.ok());
  CHECK(digits->model.version == 1);
  CHECK((*digits->TensorOutput("probabilities"))->shape() == std::vector<int64_t>{2, 10});

  const auto wine =
      client.Predict({.model = "wine",
                      .inputs = {{"features", Floats({3, 13}, std::vector<float>(39, 1))}},
                      .outputs = {"probabilities", "label"}});
  REQUIRE(wine.ok());
  REQUIRE(wine->outputs.size() == 2);
  CHECK(wine->outputs[0].name == "probabilities");
  CHECK((*wine->TensorOutput("label"))->shape() == std::vector<int64_t>{3});
  CHECK(server.Terminate() == 0);
}

TEST_CASE("A model that fails leaves the server serving, and says why") {
  Server server({TestModel("failing"), TestModel("types")});
  const Client client = server.Connect();
  const auto call = [&client](const std::string& method, std::vector<NamedValue> inputs) {
    return client.Predict({.model = "failing", .inputs = std::move(inputs), .method = method})
        .status();
  };
  const Tensor ones = Floats({2, 2}, {1, 1, 1, 1});
  absl::Status status;
  absl::StatusCode code{};
  std::string reason;
  SECTION("one that raises") {
    status = call("raises", {{"x", ones}});
    code = absl::StatusCode::kInvalidArgument;
    reason = "MODEL_REJECTED";
    CHECK(status.message().find("not what this model was trained on") != absl::string_view::npos);
  }
  SECTION("one that indexes out of range") {
    status = call("looks_up", {{"indices", *Tensor::Of<int64_t>({1}, {99})}});
    code = absl::StatusCode::kInternal;
    reason = "MODEL_FAILED";
  }
  SECTION("one that returns a type that cannot be sent") {
    status = call("returns_device", {});
    code = absl::StatusCode::kInternal;
    reason = "UNSUPPORTED_OUTPUT";
  }
  SECTION("one that wants more memory than there is") {
    status = call("allocates", {{"elements", int64_t{1} << 60}});
    code = absl::StatusCode::kResourceExhausted;
    reason = "OUT_OF_MEMORY";
  }
  CHECK(status.code() == code);
  CHECK(ReasonOf(status) == reason);
  CHECK(status.message().find("model 'failing' version 1") != absl::string_view::npos);
  CHECK(client.Predict({.model = "types", .method = "no_arguments"}).ok());
  CHECK(server.Terminate() == 0);
  if (code != absl::StatusCode::kInternal) return;
  // The caller is told an id, under which the log says more.
  const std::string id = DetailsOf(status)->metadata.at("id");
  CHECK(server.process().err().find("request " + id + " to model 'failing'") != std::string::npos);
}

TEST_CASE("A call ends at its deadline while the model runs on, and others are not disturbed") {
  Server server({TestModel("failing"), TestModel("types")});
  const Client client = server.Connect();
  const auto late = client.Predict({.model = "failing",
                                    .inputs = {{"n", int64_t{100'000}}},
                                    .method = "spins",
                                    .timeout = std::chrono::milliseconds(50)});
  CHECK(absl::IsDeadlineExceeded(late.status()));
  CHECK(client.Predict({.model = "types", .method = "no_arguments"}).ok());
}

TEST_CASE("SIGTERM and SIGINT end the server once what it has taken is answered") {
  Server server({TestModel("failing")});
  const int signal = GENERATE(SIGTERM, SIGINT);
  const Client client = server.Connect();
  absl::StatusOr<Prediction> answer = absl::UnknownError("not answered");
  {
    std::jthread caller([&] {
      answer = client.Predict(
          {.model = "failing", .inputs = {{"n", int64_t{200'000}}}, .method = "spins"});
    });
    server.AwaitBusy();
    server.process().Signal(signal);
  }
  CHECK(answer.ok());
  CHECK(server.process().Wait() == 0);
}

TEST_CASE("The same model file is served by any client's connection at once") {
  Server server({"--models=" + kSource + "/models"});
  std::atomic<int> right = 0;
  std::vector<std::jthread> callers;
  for (int c = 0; c < 8; ++c) {
    callers.emplace_back([&] {
      const Client client = server.Connect();
      for (int i = 0; i < 50; ++i) {
        const auto answer =
            client.Predict({.model = "digits",
                            .inputs = {{"pixels", Floats({1, 1, 8, 8}, std::vector<float>(64))}}});
        right += answer.ok();
      }
    });
  }
  callers.clear();
  CHECK(right == 400);
}

}  // namespace
}  // namespace torchere
