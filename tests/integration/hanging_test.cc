// SPDX-License-Identifier: Apache-2.0
// A model whose run does not end: the server goes on without it.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/health.h"
#include "tests/integration/server.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// What keeps the model's run from ending, until the test opens it.
class Gate {
 public:
  const std::string& path() const { return path_; }
  // In place: the model has the file in its memory.
  void Open() { std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary) << '\1'; }

 private:
  TempFolder folder_;
  std::string path_ = folder_.Write("gate", absl::string_view("\0\0", 2));
};

// Follows the health of a part.
class Watch {
 public:
  Watch(grpc::health::v1::Health::Stub& health, const std::string& part) {
    HealthCheckRequest request;
    request.set_service(part);
    reader_ = health.Watch(&context_, request);
  }
  ~Watch() { context_.TryCancel(); }

  // The next change, or how it is at first; waits for it.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    REQUIRE(reader_->Read(&response));
    return response.status();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
};

// A server of one worker with a model that hangs and one that does not.
struct Hanging {
  explicit Hanging(const std::string& flag = "--drain-timeout=30s")
      : server({TestModel("hanging"), TestModel("types"), "--hang-after=200ms", flag},
               {"/usr/bin/taskset", "-c", "0"}) {
    REQUIRE(watch.Next() == HealthCheckResponse::SERVING);
  }

  // Lets go of a run that hangs still, for whose end `caller` waits.
  ~Hanging() { gate.Open(); }

  // Has a caller without a deadline wait for a run; waits until that hangs.
  void Hang() {
    caller = std::jthread([this] { answer = Wait(); });
    REQUIRE(watch.Next() == HealthCheckResponse::NOT_SERVING);
  }

  absl::StatusOr<Prediction> Wait(
      std::optional<std::chrono::nanoseconds> timeout = std::nullopt) const {
    return client.Predict({.model = "hanging",
                           .inputs = {{"path", gate.path()}},
                           .method = "waits",
                           .timeout = timeout});
  }

  HealthCheckResponse::ServingStatus Check(const std::string& part) const {
    return StatusOf(*health, part);
  }

  bool OthersGoOn() const {
    return client.Predict({.model = "types", .method = "no_arguments"}).ok();
  }

  Gate gate;
  Server server;
  Client client = server.Connect();
  std::unique_ptr<grpc::health::v1::Health::Stub> health = grpc::health::v1::Health::NewStub(
      grpc::CreateChannel(server.target(), grpc::InsecureChannelCredentials()));
  Watch watch{*health, "models/hanging"};
  absl::StatusOr<Prediction> answer = absl::UnknownError("not answered");
  std::jthread caller;
};

void CheckHangs(const absl::Status& status) {
  CHECK(absl::IsUnavailable(status));
  const auto details = DetailsOf(status);
  REQUIRE(details.has_value());
  CHECK(details->reason == "MODEL_HANGS");
}

TEST_CASE("A model that hangs is marked and refused, and others go on, until its run has ended") {
  Hanging f;
  f.Hang();
  CHECK(f.OthersGoOn());
  CHECK(f.Check("") == HealthCheckResponse::NOT_SERVING);
  CHECK(f.Check("models/types") == HealthCheckResponse::SERVING);
  const auto status = f.client.Status({.model = "hanging"});
  REQUIRE(status.ok());
  CHECK(status->versions.at(0).state == ModelState::kAvailable);
  CheckHangs(status->versions.at(0).error);
  const absl::Status refusal = f.Wait().status();
  CheckHangs(refusal);
  CHECK(refusal.message().find("model 'hanging' version 1: a run of it on cpu hangs") == 0);

  f.gate.Open();
  CHECK(f.watch.Next() == HealthCheckResponse::SERVING);
  f.caller.join();
  CHECK(f.answer.ok());
  CHECK(f.Wait().ok());
  CHECK(f.Check("") == HealthCheckResponse::SERVING);
  CHECK(f.server.Terminate() == 0);
  const std::string log = f.server.process().err();
  CHECK(log.find("model 'hanging' version 1 hangs: a run of method 'waits' on cpu") !=
        std::string::npos);
  CHECK(log.find("another worker takes the place of its worker") != std::string::npos);
  CHECK(log.find("the run of method 'waits' on cpu that hung has ended") != std::string::npos);
}

TEST_CASE("The caller of a run that hangs is answered at its deadline") {
  Hanging f;
  CHECK(absl::IsDeadlineExceeded(f.Wait(std::chrono::milliseconds(50)).status()));
  CHECK(f.watch.Next() == HealthCheckResponse::NOT_SERVING);
  CHECK(f.OthersGoOn());
  f.gate.Open();
  CHECK(f.watch.Next() == HealthCheckResponse::SERVING);
  CHECK(f.server.Terminate() == 0);
}

TEST_CASE("A drain that a run outlasts ends the process, and the log names the model") {
  Hanging f("--drain-timeout=100ms");
  f.Hang();
  CHECK(f.server.Terminate() == 1);
  f.caller.join();
  CHECK(absl::IsUnavailable(f.answer.status()));
  CHECK(f.server.process().err().find(
            "ending at once: what is running has not ended in time: model 'hanging' version 1, "
            "method 'waits', on cpu, for ") != std::string::npos);
}

}  // namespace
}  // namespace torchere
