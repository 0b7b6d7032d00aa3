// SPDX-License-Identifier: Apache-2.0
#include "torchere/client.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/support/catch.h"
#include "tests/unit/client/fake_server.h"

namespace torchere {
namespace {

using std::chrono::system_clock;
using testing::FakeServer;

Client Connected(const FakeServer& server, ClientOptions options = {}) {
  return *Client::Connect(server.address(), options);
}

// Answers each request with the value of its first input.
grpc::Status Echo(grpc::ServerContext&, const v1::PredictRequest& request,
                  v1::PredictResponse& response) {
  response.mutable_model()->set_name(request.model().name());
  *response.add_outputs() = request.inputs(0);
  return grpc::Status::OK;
}

TEST_CASE("Client returns what the model answers", "[client]") {
  FakeServer server;
  server.on_predict = Echo;
  const auto prediction = Connected(server).Predict(
      {.model = "echo", .inputs = {{"x", *Tensor::Of<float>({2}, {1, 2})}}});
  REQUIRE(prediction.ok());
  CHECK(prediction->model.name == "echo");
  CHECK((*prediction->TensorOutput("x"))->As<float>()->back() == 2);
}

TEST_CASE("Client returns the server's refusal with its details", "[client]") {
  FakeServer server;
  server.on_predict = [](auto&, const auto&, auto&) {
    return testing::Refusal(grpc::StatusCode::NOT_FOUND, "no model 'x'", "MODEL_NOT_FOUND",
                            {{"model", "x"}});
  };
  const absl::Status status = Connected(server).Predict({.model = "x"}).status();
  CHECK(absl::IsNotFound(status));
  CHECK(status.message() == "no model 'x'");
  CHECK(DetailsOf(status)->reason == "MODEL_NOT_FOUND");
}

TEST_CASE("Client asks for status, models and signature", "[client]") {
  FakeServer server;
  server.on_status = [](auto&, const v1::GetModelStatusRequest& request, auto& response) {
    response.mutable_model()->set_name(request.name() + "@" + request.label());
    return grpc::Status::OK;
  };
  server.on_list = [](auto&, const auto&, v1::ListModelsResponse& response) {
    response.add_models()->set_name("a");
    response.add_models()->set_name("b");
    return grpc::Status::OK;
  };
  server.on_signature = [](auto&, const v1::GetModelSignatureRequest& request, auto& response) {
    response.mutable_model()->set_version(request.version());
    return grpc::Status::OK;
  };
  const Client client = Connected(server);
  CHECK(client.Status({.model = "m", .label = "stable"})->name == "m@stable");
  CHECK(client.Models()->at(1).name == "b");
  CHECK(client.Signature({.model = "m", .version = 7})->model.version == 7);
}

TEST_CASE("Client gives every call a deadline", "[client]") {
  FakeServer server;
  std::atomic<system_clock::time_point> seen;
  server.on_predict = [&](grpc::ServerContext& context, const auto&, auto&) {
    seen = context.deadline();
    return grpc::Status::OK;
  };
  const auto [options, timeout, expected] =
      GENERATE(table<ClientOptions, std::optional<std::chrono::nanoseconds>, int>(
          {{ClientOptions{}, std::nullopt, 30},
           {ClientOptions{.timeout = std::chrono::hours(1)}, std::nullopt, 3600},
           {ClientOptions{}, std::chrono::minutes(5), 300},
           {ClientOptions{}, std::chrono::nanoseconds::max(), 365 * 24 * 3600}}));
  const auto before = system_clock::now();
  REQUIRE(Connected(server, options).Predict({.model = "m", .timeout = timeout}).ok());
  // gRPC sends the time that is left, rounded.
  const std::chrono::duration<double> left = seen.load() - before;
  CHECK(left.count() == Approx(expected).epsilon(0.1));
}

TEST_CASE("Client gives up at the deadline", "[client]") {
  FakeServer server;
  absl::Notification returned;
  server.on_predict = [&](auto&, const auto&, auto&) {
    returned.WaitForNotification();
    return grpc::Status::OK;
  };
  const absl::Status status =
      Connected(server).Predict({.model = "m", .timeout = std::chrono::milliseconds(20)}).status();
  returned.Notify();
  CHECK(absl::IsDeadlineExceeded(status));
}

TEST_CASE("Client says UNAVAILABLE where no server listens", "[client]") {
  const auto client = Client::Connect("unix:/nonexistent/torchere.sock");
  REQUIRE(client.ok());
  CHECK(absl::IsUnavailable(client->Models().status()));
}

TEST_CASE("Client refuses calls that contradict themselves", "[client]") {
  FakeServer server;
  const Client client = Connected(server);
  const auto refuses = [](const absl::Status& status) { return absl::IsInvalidArgument(status); };
  CHECK(refuses(client.Predict({}).status()));
  CHECK(DetailsOf(client.Predict({}).status())->reason == "MISSING_MODEL");
  CHECK(refuses(client.Predict({.model = "m", .version = 1, .label = "a"}).status()));
  CHECK(refuses(client.Status({.model = "m", .version = 1, .label = "a"}).status()));
  CHECK(refuses(client.Signature({}).status()));
  CHECK(refuses(client.Models(std::chrono::nanoseconds(0)).status()));
  CHECK(refuses(Client::Connect("").status()));
  CHECK(refuses(Client::Connect("a:1", {.timeout = std::chrono::nanoseconds(0)}).status()));
  CHECK(refuses(Client::Connect("a:1", {.max_response_bytes = 0}).status()));
}

TEST_CASE("Client takes answers beyond gRPC's own 4 MB, up to its limit", "[client]") {
  FakeServer server;
  server.on_predict = Echo;
  const std::vector<float> items(2'000'000, 1.0f);
  const PredictCall call = {.model = "m",
                            .inputs = {{"x", *Tensor::Of<float>({2'000'000}, std::span(items))}}};
  CHECK(Connected(server).Predict(call).ok());
  CHECK(absl::IsResourceExhausted(
      Connected(server, {.max_response_bytes = 1'000'000}).Predict(call).status()));
}

TEST_CASE("Client asks no proxy for a server of this machine", "[client]") {
  FakeServer server;
  server.on_predict = Echo;
  setenv("http_proxy", "http://127.0.0.1:9", 1);
  const auto prediction = Connected(server).Predict({.model = "m", .inputs = {{"x", 1}}});
  unsetenv("http_proxy");
  CHECK(prediction.ok());
}

TEST_CASE("Client may be called from many threads", "[client]") {
  FakeServer server;
  server.on_predict = Echo;
  const Client client = Connected(server);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 20; ++i) {
          const int64_t number = thread * 1000 + i;
          const auto answer = client.Predict({.model = "m", .inputs = {{"x", number}}});
          if (answer.ok() && *answer->Output("x")->If<int64_t>() == number) ++right;
        }
      });
    }
  }
  CHECK(right == 8 * 20);
}

TEST_CASE("Client works after it was moved", "[client]") {
  FakeServer server;
  server.on_predict = Echo;
  Client first = Connected(server);
  const Client second = std::move(first);
  CHECK(second.Predict({.model = "m", .inputs = {{"x", 1}}}).ok());
}

}  // namespace
}  // namespace torchere
