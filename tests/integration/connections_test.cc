// SPDX-License-Identifier: Apache-2.0
// More connections than there are descriptors for.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server.h"

namespace torchere {
namespace {

int ConnectTo(const std::string& target) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(target.substr(target.rfind(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

TEST_CASE("The server lives on when it has run out of descriptors, and ends as ever") {
  Server server({TestModel("types")}, {"/usr/bin/prlimit", "--nofile=64:64"});
  const size_t descriptors = server.Descriptors();
  std::vector<int> connections;
  for (int i = 0; i < 100; ++i) connections.push_back(ConnectTo(server.target()));
  SECTION("it takes calls again once the connections have gone") {
    for (const int fd : connections) close(fd);
    connections.clear();
    while (server.Descriptors() > descriptors) std::this_thread::yield();
    // Some of the others may have come in only now, to be counted and to go.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const Client client = server.Connect();
    absl::StatusOr<Prediction> answer = absl::UnknownError("not asked");
    while (!answer.ok() && std::chrono::steady_clock::now() < until) {
      answer = client.Predict({.model = "types", .method = "no_arguments"});
    }
    INFO(answer.status());
    CHECK(answer.ok());
    CHECK(server.Terminate() == 0);
  }
  SECTION("it ends when it is told to") { CHECK(server.Terminate() == 0); }
  for (const int fd : connections) close(fd);
}

}  // namespace
}  // namespace torchere
