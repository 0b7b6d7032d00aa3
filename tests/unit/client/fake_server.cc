// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/client/fake_server.h"

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "torchere/v1/error.pb.h"

namespace torchere::testing {
namespace {

template <typename Handler, typename Request, typename Response>
grpc::Status Answer(const Handler& handler, grpc::ServerContext* context, const Request* request,
                    Response* response) {
  if (!handler) return {grpc::StatusCode::UNIMPLEMENTED, "the test answers no such call"};
  return handler(*context, *request, *response);
}

}  // namespace

class FakeServer::PredictFake final : public v1::PredictService::Service {
 public:
  explicit PredictFake(const FakeServer& fake) : fake_(fake) {}

  grpc::Status Predict(grpc::ServerContext* context, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override {
    return Answer(fake_.on_predict, context, request, response);
  }

 private:
  const FakeServer& fake_;
};

class FakeServer::StatusFake final : public v1::ModelStatusService::Service {
 public:
  explicit StatusFake(const FakeServer& fake) : fake_(fake) {}

  grpc::Status GetModelStatus(grpc::ServerContext* context,
                              const v1::GetModelStatusRequest* request,
                              v1::GetModelStatusResponse* response) override {
    return Answer(fake_.on_status, context, request, response);
  }
  grpc::Status ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override {
    return Answer(fake_.on_list, context, request, response);
  }
  grpc::Status GetModelSignature(grpc::ServerContext* context,
                                 const v1::GetModelSignatureRequest* request,
                                 v1::GetModelSignatureResponse* response) override {
    return Answer(fake_.on_signature, context, request, response);
  }

 private:
  const FakeServer& fake_;
};

FakeServer::FakeServer()
    : predict_(std::make_unique<PredictFake>(*this)), status_(std::make_unique<StatusFake>(*this)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(predict_.get());
  builder.RegisterService(status_.get());
  builder.SetMaxReceiveMessageSize(-1);
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

FakeServer::~FakeServer() { server_->Shutdown(); }

grpc::Status Refusal(grpc::StatusCode code, const std::string& message, const std::string& reason,
                     const std::map<std::string, std::string>& metadata, int retry_ms) {
  v1::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("torchere");
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  v1::RpcStatus details;
  details.set_code(code);
  details.set_message(message);
  google::protobuf::Any* any = details.add_details();
  any->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  any->set_value(info.SerializeAsString());
  if (retry_ms > 0) {
    v1::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(retry_ms / 1000);
    retry.mutable_retry_delay()->set_nanos(retry_ms % 1000 * 1'000'000);
    any = details.add_details();
    any->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
    any->set_value(retry.SerializeAsString());
  }
  return {code, message, details.SerializeAsString()};
}

}  // namespace torchere::testing
