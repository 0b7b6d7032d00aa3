// SPDX-License-Identifier: Apache-2.0
// The port for probes: open whoever else is there, and for nothing else.
#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/health.h"
#include "tests/integration/server.h"
#include "torchere/v1/model_status.grpc.pb.h"

namespace torchere {
namespace {

using grpc::health::v1::HealthCheckResponse;

std::string PortOf(const std::string& target) { return target.substr(target.rfind(':')); }

// The value of "health=" in the ready line.
std::string HealthTarget(const Server& server) {
  const std::string& line = server.ready_line();
  const size_t begin = line.find("health=") + 7;
  return line.substr(begin, line.find(' ', begin) - begin);
}

std::shared_ptr<grpc::Channel> Connect(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

grpc::Status AskModels(const std::string& target) {
  const auto stub = v1::ModelStatusService::NewStub(Connect(target));
  grpc::ClientContext context;
  v1::ListModelsResponse response;
  return stub->ListModels(&context, {}, &response);
}

// Connections that say nothing.
class Idle {
 public:
  ~Idle() {
    for (const int fd : fds_) close(fd);
  }

  void Connect(const std::string& target) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(PortOf(target).substr(1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connect(fds_.back(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  // Waits until the server has ended the last one without a word.
  void AwaitRefusal() {
    char byte = 0;
    REQUIRE(recv(fds_.back(), &byte, 1, 0) <= 0);
  }

 private:
  std::vector<int> fds_;
};

TEST_CASE("A probe gets in at the health port when all connections are taken") {
  Server server({TestModel("types"), "--max-connections=3", "--health-listen=127.0.0.1:0"});
  Idle callers;
  for (int i = 0; i < 4; ++i) callers.Connect(server.target());
  callers.AwaitRefusal();
  const auto health = grpc::health::v1::Health::NewStub(Connect(HealthTarget(server)));
  CHECK(StatusOf(*health, "") == HealthCheckResponse::SERVING);
  CHECK(StatusOf(*health, "torchere.v1.ModelStatusService") == HealthCheckResponse::SERVING);
  CHECK(server.Terminate() == 0);
}

TEST_CASE("A probe gets in at the health port however many others keep a connection to it") {
  Server server({TestModel("types"), "--health-listen=127.0.0.1:0"});
  const Client caller = server.Connect();
  REQUIRE(caller.Models().ok());
  Idle others;
  for (int i = 0; i < 100; ++i) others.Connect(HealthTarget(server));
  const auto health = grpc::health::v1::Health::NewStub(Connect(HealthTarget(server)));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  HealthCheckResponse response;
  CHECK(health->Check(&context, {}, &response).ok());
  CHECK(response.status() == HealthCheckResponse::SERVING);
  CHECK(caller.Models().ok());
}

TEST_CASE("A probe gets in whatever others ask the health port for") {
  Server server({TestModel("types"), "--health-listen=127.0.0.1:0"});
  const auto health = grpc::health::v1::Health::NewStub(Connect(HealthTarget(server)));
  grpc::health::v1::HealthCheckRequest large;
  large.set_service(std::string(60 << 20, 'x'));
  for (int i = 0; i < 5; ++i) {
    grpc::ClientContext context;
    HealthCheckResponse response;
    const auto watch = health->Watch(&context, large);
    CHECK_FALSE(watch->Read(&response));
    CHECK(watch->Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  CHECK(StatusOf(*health, "") == HealthCheckResponse::SERVING);
}

bool HasIpv6() {
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool has = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return has;
}

TEST_CASE("The health port answers nothing but health, the other port everything") {
  const std::string listen = GENERATE("127.0.0.1", "[::]");
  if (listen == "[::]" && !HasIpv6()) return;
  Server server({TestModel("types"), "--health-listen=" + listen + ":0"});
  std::vector<std::string> hosts = {"127.0.0.1"};
  if (listen == "[::]") hosts.emplace_back("[::1]");
  for (const std::string& host : hosts) {
    CAPTURE(listen, host);
    const std::string target = host + PortOf(HealthTarget(server));
    const auto channel = Connect(target);
    const auto health = grpc::health::v1::Health::NewStub(channel);
    CHECK(StatusOf(*health, "models/types") == HealthCheckResponse::SERVING);
    const grpc::Status refused = AskModels(target);
    CHECK(refused.error_code() == grpc::StatusCode::UNIMPLEMENTED);
    CHECK(refused.error_message().find("on this port") != std::string::npos);
    CHECK(AskModels(server.target()).ok());
  }
  const auto health = grpc::health::v1::Health::NewStub(Connect(server.target()));
  CHECK(StatusOf(*health, "") == HealthCheckResponse::SERVING);
}

TEST_CASE("The health port tells of the end while the last requests are answered") {
  Server server({TestModel("types"), "--health-listen=127.0.0.1:0"});
  const auto health = grpc::health::v1::Health::NewStub(Connect(HealthTarget(server)));
  grpc::ClientContext context;
  const auto watch = health->Watch(&context, {});
  HealthCheckResponse response;
  REQUIRE(watch->Read(&response));
  CHECK(response.status() == HealthCheckResponse::SERVING);
  server.process().Signal(SIGTERM);
  REQUIRE(watch->Read(&response));
  CHECK(response.status() == HealthCheckResponse::NOT_SERVING);
  CHECK(server.process().Wait() == 0);
}

}  // namespace
}  // namespace torchere
