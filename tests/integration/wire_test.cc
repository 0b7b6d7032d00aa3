// SPDX-License-Identifier: Apache-2.0
// What only a caller without our libraries would send.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/health.h"
#include "tests/integration/server.h"
#include "tests/support/temp_folder.h"
#include "torchere/v1/error.pb.h"
#include "torchere/v1/model_status.grpc.pb.h"
#include "torchere/v1/predict.grpc.pb.h"

namespace torchere {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

std::shared_ptr<grpc::Channel> Channel(const Server& server, bool own_connection = false) {
  grpc::ChannelArguments arguments;
  if (own_connection) arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server.target(), grpc::InsecureChannelCredentials(), arguments);
}

// What a google.rpc.Status holds of ours.
struct Details {
  v1::ErrorInfo info;
  bool has_retry = false;
};
Details DetailsIn(const grpc::Status& status) {
  Details details;
  v1::RpcStatus wire;
  REQUIRE(wire.ParseFromString(status.error_details()));
  for (const auto& any : wire.details()) {
    if (any.type_url() == "type.googleapis.com/google.rpc.ErrorInfo") {
      REQUIRE(details.info.ParseFromString(any.value()));
    }
    details.has_retry |= any.type_url() == "type.googleapis.com/google.rpc.RetryInfo";
  }
  return details;
}

grpc::Status CallRaw(const Server& server, const std::string& method, const std::string& bytes) {
  grpc::GenericStub stub(Channel(server));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  REQUIRE(queue.Next(&tag, &ok));
  return status;
}

TEST_CASE("Bytes that are no PredictRequest, and methods that there are not, are refused") {
  Server server({TestModel("types")});
  const std::string predict = "/torchere.v1.PredictService/Predict";
  SECTION("bytes that are none") {
    const grpc::Status status = CallRaw(server, predict, "\xff\xff\xff");
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(DetailsIn(status).info.reason() == "MALFORMED_MESSAGE");
    CHECK(DetailsIn(status).info.domain() == "torchere");
  }
  SECTION("an empty request") {
    const grpc::Status status = CallRaw(server, predict, "");
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(DetailsIn(status).info.reason() == "MISSING_MODEL");
  }
  SECTION("a stream's message that is none") {
    const grpc::Status status = CallRaw(server, predict + "Stream", "\xff\xff\xff");
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(DetailsIn(status).info.reason() == "MALFORMED_MESSAGE");
  }
  SECTION("a method that there is not") {
    const grpc::Status status = CallRaw(server, "/torchere.v1.PredictService/Train", "");
    CHECK(status.error_code() == grpc::StatusCode::UNIMPLEMENTED);
    CHECK(DetailsIn(status).info.reason() == "METHOD_UNKNOWN");
  }
  SECTION("a status request that is none") {
    const grpc::Status status =
        CallRaw(server, "/torchere.v1.ModelStatusService/GetModelStatus", "\xff");
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(DetailsIn(status).info.reason() == "MALFORMED_MESSAGE");
  }
  CHECK(server.Connect().Models().ok());
}

TEST_CASE("A call that ends without a message is refused, and leaves nothing behind") {
  Server server({TestModel("types"), "--max-requests-in-flight=1"});
  grpc::GenericStub stub(Channel(server));
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const auto call = stub.PrepareCall(&context, "/torchere.v1.PredictService/Predict", &queue);
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    REQUIRE(queue.Next(&tag, &ok));
    call->WritesDone(nullptr);
    REQUIRE(queue.Next(&tag, &ok));
    grpc::Status status;
    call->Finish(&status, nullptr);
    REQUIRE(queue.Next(&tag, &ok));
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  CHECK(server.Connect().Predict({.model = "types", .method = "no_arguments"}).ok());
}

v1::PredictRequest Large(size_t bytes) {
  v1::PredictRequest request;
  request.mutable_model()->set_name("types");
  request.mutable_model()->set_method("echo");
  v1::NamedValue& input = *request.add_inputs();
  input.set_name("x");
  v1::Tensor& tensor = *input.mutable_value()->mutable_tensor();
  tensor.set_dtype(v1::DATA_TYPE_UINT8);
  tensor.add_shape(static_cast<int64_t>(bytes));
  tensor.set_data(std::string(bytes, 'x'));
  return request;
}

TEST_CASE("A message over the limit is refused and does not end the connection") {
  Server server({TestModel("types"), "--max-message-bytes=100000"});
  const auto channel = Channel(server);
  const auto stub = v1::PredictService::NewStub(channel);
  v1::PredictResponse response;
  grpc::ClientContext over, under;
  const grpc::Status status = stub->Predict(&over, Large(200000), &response);
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(status.error_message().find("100000") != std::string::npos);
  CHECK(stub->Predict(&under, Large(50000), &response).ok());
  SECTION("which ends a stream") {
    grpc::ClientContext context;
    const auto stream = stub->PredictStream(&context);
    v1::PredictStreamRequest message;
    v1::PredictStreamResponse answer;
    *message.mutable_predict() = Large(200000);
    stream->Write(message);
    CHECK_FALSE(stream->Read(&answer));
    CHECK(stream->Finish().error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    grpc::ClientContext after;
    CHECK(stub->Predict(&after, Large(50000), &response).ok());
  }
}

// The answer without its times, serialised.
std::string Timeless(v1::PredictResponse response) {
  response.clear_timing();
  return response.SerializeAsString();
}

TEST_CASE("The sample models answer Predict and PredictStream with the same bytes") {
  Server server({"--models=" + kSource + "/models"});
  const auto stub = v1::PredictService::NewStub(Channel(server));
  grpc::ClientContext context;
  const auto stream = stub->PredictStream(&context);
  for (int i = 0; i < 20; ++i) {
    v1::PredictStreamRequest message;
    message.set_id(static_cast<uint64_t>(i));
    v1::PredictRequest& request = *message.mutable_predict();
    request.mutable_model()->set_name("digits");
    v1::NamedValue& input = *request.add_inputs();
    input.set_name("pixels");
    v1::Tensor& tensor = *input.mutable_value()->mutable_tensor();
    tensor.set_dtype(v1::DATA_TYPE_FP32);
    for (const int dim : {1 + i % 3, 1, 8, 8}) tensor.add_shape(dim);
    const std::vector<float> pixels(static_cast<size_t>(1 + i % 3) * 64, static_cast<float>(i));
    tensor.set_data(pixels.data(), pixels.size() * sizeof(float));
    v1::PredictResponse alone;
    v1::PredictStreamResponse streamed;
    grpc::ClientContext unary;
    REQUIRE(stub->Predict(&unary, request, &alone).ok());
    REQUIRE(stream->Write(message));
    REQUIRE(stream->Read(&streamed));
    CHECK(streamed.id() == message.id());
    CHECK(Timeless(streamed.response()) == Timeless(alone));
  }
  REQUIRE(stream->WritesDone());
  CHECK(stream->Finish().ok());
}

TEST_CASE("A compressed message is refused") {
  Server server({TestModel("types")});
  const auto stub = v1::PredictService::NewStub(Channel(server));
  v1::PredictResponse response;
  grpc::ClientContext gzip;
  gzip.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  CHECK(stub->Predict(&gzip, Large(100000), &response).error_code() ==
        grpc::StatusCode::UNIMPLEMENTED);
  CHECK(server.PeakMemory() < int64_t{1} << 30);
}

TEST_CASE("Health tells what is served") {
  Server server({TestModel("types")});
  const auto stub = grpc::health::v1::Health::NewStub(Channel(server));
  const auto check = [&stub](const std::string& part, HealthCheckResponse& response) {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(part);
    return stub->Check(&context, request, &response).error_code();
  };
  HealthCheckResponse response;
  for (const char* part :
       {"", "models/types", "torchere.v1.PredictService", "torchere.v1.ModelStatusService"}) {
    CHECK(check(part, response) == grpc::StatusCode::OK);
    CHECK(response.status() == HealthCheckResponse::SERVING);
  }
  CHECK(check("models/none", response) == grpc::StatusCode::NOT_FOUND);
}

TEST_CASE("A Watch of health is told when the server ends") {
  Server server({TestModel("types")});
  const auto stub = grpc::health::v1::Health::NewStub(Channel(server));
  grpc::ClientContext context;
  const auto watch = stub->Watch(&context, HealthCheckRequest());
  HealthCheckResponse response;
  REQUIRE(watch->Read(&response));
  CHECK(response.status() == HealthCheckResponse::SERVING);
  server.process().Signal(SIGTERM);
  REQUIRE(watch->Read(&response));
  CHECK(response.status() == HealthCheckResponse::NOT_SERVING);
  CHECK_FALSE(watch->Read(&response));
  CHECK(watch->Finish().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(server.process().Wait() == 0);
}

TEST_CASE("Health is NOT_SERVING while a model of the repository cannot be served") {
  TempFolder models;
  models.Write("good/1/model.pt");
  models.Write("bad/1/model.pt", "not a model");
  std::filesystem::copy_file(kSource + "/tests/data/types.pt", models.Path("good/1/model.pt"),
                             std::filesystem::copy_options::overwrite_existing);
  Server server({"--models=" + models.Path()});
  const auto stub = grpc::health::v1::Health::NewStub(Channel(server));
  const auto state = [&stub](const std::string& part) { return StatusOf(*stub, part); };
  CHECK(state("") == HealthCheckResponse::NOT_SERVING);
  CHECK(state("models/bad") == HealthCheckResponse::NOT_SERVING);
  CHECK(state("models/good") == HealthCheckResponse::SERVING);
  // A pod whose probe asks for this is not started again and again for a model that is broken.
  CHECK(state("torchere.v1.ModelStatusService") == HealthCheckResponse::SERVING);
  const auto refused = server.Connect().Predict({.model = "bad"}).status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(server.Connect().Predict({.model = "good", .method = "no_arguments"}).ok());
}

// A call whose headers have been sent, and no message: it holds a place.
class Held {
 public:
  explicit Held(const Server& server) : stub_(Channel(server)) {
    call_ = stub_.PrepareCall(&context_, "/torchere.v1.PredictService/Predict", &queue_);
    call_->StartCall(nullptr);
    void* tag = nullptr;
    bool ok = false;
    REQUIRE(queue_.Next(&tag, &ok));
  }
  ~Held() { context_.TryCancel(); }

 private:
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST_CASE("What is not let in is told when to come back, and takes no memory") {
  constexpr int kClients = 40, kPlaces = 4;
  constexpr int64_t kMessage = 30'000'000, kMebibyte = 1 << 20;
  Server server({TestModel("types"), "--max-requests-in-flight=" + std::to_string(kPlaces)});
  const Client client = server.Connect();
  const PredictCall small{.model = "types", .method = "no_arguments"};
  REQUIRE(client.Predict(small).ok());
  {
    std::vector<std::unique_ptr<Held>> places;
    // A small call's place is given back a moment after its answer: what comes
    // in that moment may be refused. Several refusals in a row mean it.
    const auto are_all_taken = [&] {
      for (int i = 0; i < 10; ++i) {
        if (client.Predict(small).ok()) return false;
      }
      return true;
    };
    while (!are_all_taken()) places.push_back(std::make_unique<Held>(server));
    const int64_t before = server.PeakMemory();
    const v1::PredictRequest request = Large(kMessage);
    std::vector<std::jthread> clients;
    std::vector<grpc::Status> answers(kClients);
    for (grpc::Status& answer : answers) {
      clients.emplace_back([&] {
        const auto stub = v1::PredictService::NewStub(Channel(server, /*own_connection=*/true));
        v1::PredictResponse response;
        grpc::ClientContext context;
        answer = stub->Predict(&context, request, &response);
      });
    }
    clients.clear();
    for (const grpc::Status& answer : answers) {
      REQUIRE(answer.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
      REQUIRE(DetailsIn(answer).info.reason() == "SERVER_FULL");
      CHECK(DetailsIn(answer).info.metadata().at("limit") == "--max-requests-in-flight");
      CHECK(DetailsIn(answer).has_retry);
    }
    CHECK(server.PeakMemory() - before < kClients * kMebibyte);
  }
  // The places are given back when those who hold them go.
  while (!client.Predict(small).ok()) {
  }
  CHECK(server.Terminate() == 0);
}

}  // namespace
}  // namespace torchere
