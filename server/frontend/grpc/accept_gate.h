// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "server/base/clock.h"
#include "server/frontend/grpc/callers.h"
#include "server/frontend/grpc/endpoint.h"
#include "server/frontend/grpc/listen_address.h"

namespace torchere {

// Accepts connections for gRPC on a thread of its own: gRPC's own listener dies
// for good when the process runs out of file descriptors once (CVE-2023-4785),
// and has no bound on connections. Keeps a descriptor of each connection to
// know when it ends; gRPC is given a second one.
class AcceptGate {
 public:
  using Acceptor = grpc::experimental::ExternalConnectionAcceptor;

  // Takes the listener's socket. `callers`, which outlives it, hears of each
  // connection that it is at `endpoint`.
  AcceptGate(Listener listener, std::unique_ptr<Acceptor> acceptor, ConnectionLimit limit,
             Callers& callers, size_t endpoint);

  ~AcceptGate();

  // Takes no more connections; those there are live on.
  void Stop();

  // Ends the connections that there are, whose calls are all answered, once the
  // other side has what was written to them, and at `until` at the latest. After
  // Stop().
  void CloseConnections(Time until);

  AcceptGate(const AcceptGate&) = delete;
  AcceptGate& operator=(const AcceptGate&) = delete;

 private:
  struct Connection {
    std::string caller;
    Time since;
  };

  void Run();
  void AcceptAll();
  void Admit(int fd, const sockaddr_storage& remote);
  void Forget(int fd);
  void EndOldest(Time now);
  // Without a free descriptor not even a refusal is possible: one is kept for
  // that. False where nobody waited.
  bool RefuseOne();

  const Listener listener_;
  const std::unique_ptr<Acceptor> acceptor_;
  const ConnectionLimit limit_;
  Callers& callers_;
  const size_t endpoint_;
  const int epoll_fd_;
  const int stop_fd_;
  int spare_fd_;
  // By descriptor.
  std::unordered_map<int, Connection> connections_;
  std::jthread thread_;
};

}  // namespace torchere
