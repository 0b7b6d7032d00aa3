// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "server/frontend/grpc/grpc_server.h"
#include "server/frontend/grpc/listen_address.h"
#include "tests/support/catch.h"

namespace torchere {

// A GrpcServer in this process, on a free port of the loopback.
class LocalServer {
 public:
  explicit LocalServer(MethodTable methods, const GrpcOptions& options = {},
                       QueueHooks hooks = {}) {
    auto listener = OpenListener({.host = "127.0.0.1"}, /*allow_remote=*/false);
    REQUIRE(listener.ok());
    target_ = Text(listener->address);
    std::vector<Endpoint> endpoints;
    endpoints.push_back({*std::move(listener), std::move(methods), {}});
    auto server = GrpcServer::Start(std::move(endpoints), options, std::move(hooks));
    REQUIRE(server.ok());
    server_ = *std::move(server);
  }

  GrpcServer& operator*() { return *server_; }

  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    return grpc::CreateCustomChannel(target_, grpc::InsecureChannelCredentials(), arguments);
  }

 private:
  std::string target_;
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace torchere
