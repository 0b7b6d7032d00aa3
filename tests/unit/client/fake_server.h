// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "grpcpp/server.h"
#include "grpcpp/server_context.h"
#include "torchere/v1/model_status.grpc.pb.h"
#include "torchere/v1/predict.grpc.pb.h"

namespace torchere::testing {

// A gRPC server on a free port of 127.0.0.1 whose answers a test gives. A method
// without a handler is UNIMPLEMENTED. Handlers are set before the first call and
// run on the server's threads.
class FakeServer {
 public:
  template <typename Request, typename Response>
  using Handler = std::function<grpc::Status(grpc::ServerContext&, const Request&, Response&)>;

  FakeServer();
  ~FakeServer();

  // "127.0.0.1:PORT".
  const std::string& address() const { return address_; }

  Handler<v1::PredictRequest, v1::PredictResponse> on_predict;
  Handler<v1::GetModelStatusRequest, v1::GetModelStatusResponse> on_status;
  Handler<v1::ListModelsRequest, v1::ListModelsResponse> on_list;
  Handler<v1::GetModelSignatureRequest, v1::GetModelSignatureResponse> on_signature;

 private:
  class PredictFake;
  class StatusFake;

  std::unique_ptr<PredictFake> predict_;
  std::unique_ptr<StatusFake> status_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

// An error as the real server sends it; without a retry where `retry_ms` is 0.
grpc::Status Refusal(grpc::StatusCode code, const std::string& message, const std::string& reason,
                     const std::map<std::string, std::string>& metadata = {}, int retry_ms = 0);

}  // namespace torchere::testing
