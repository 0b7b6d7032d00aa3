// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/server.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/frontend/grpc/accept_gate.h"
#include "server/frontend/grpc/call_host.h"
#include "server/frontend/grpc/endpoint.h"
#include "server/frontend/grpc/idle_work.h"
#include "server/frontend/grpc/time_share.h"

namespace torchere {

struct GrpcOptions {
  int64_t max_message_bytes = 64 << 20;
  // gRPC's own outer bound on the memory of all connections.
  int64_t memory_bytes = int64_t{2} << 30;
  int max_streams_per_connection = 256;
  // A caller that has not taken its answer so long after it was given loses it.
  Duration answer_time = std::chrono::seconds(30);
};

// What the queue's thread calls, besides its calls' methods.
struct QueueHooks {
  // After calls whose requests may still be queued were given up: at once, but
  // for a tenth of the thread's time at most.
  std::function<void()> give_up_dead = [] {};
  // Makes what it does while no event waits; once, at its start.
  std::function<std::unique_ptr<IdleWork>()> make_idle_work = [] { return nullptr; };
};

// One grpc::Server on one completion queue, polled by one thread: a second
// poller or server in the process costs more than it brings (docs/adr/0002).
class GrpcServer {
 public:
  // Serves the endpoints, of which the first is that of nearly all calls.
  //
  //   INTERNAL  gRPC does not start
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(std::vector<Endpoint> endpoints,
                                                           const GrpcOptions& options,
                                                           QueueHooks hooks);

  // Drain with no time left, if that has not been done.
  ~GrpcServer();

  // Takes no new connections and calls and waits for the calls that there are;
  // what is left after `time` is cancelled, but a model's run is still waited for.
  void Drain(Duration time);

 private:
  explicit GrpcServer(QueueHooks hooks) : hooks_(std::move(hooks)) {}

  void Poll();
  void FireTimers();
  void GiveUpDead();
  // Has f() called on the queue's thread, which must be running until then.
  void Post(std::function<void()> f);
  void DrainStreams();
  void CloseQueue();

  const QueueHooks hooks_;
  TimeShare give_up_time_;
  CallHost host_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::unique_ptr<AcceptGate>> gates_;
  bool drained_ = false;
  std::jthread poller_;
};

}  // namespace torchere
