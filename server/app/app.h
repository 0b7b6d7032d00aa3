// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/admission/gate.h"
#include "server/app/config.h"
#include "server/backend/backend.h"
#include "server/executor/device_pools.h"
#include "server/frontend/grpc/grpc_server.h"
#include "server/frontend/grpc/health.h"
#include "server/observe/observer.h"
#include "server/pipeline/model_loader.h"
#include "server/pipeline/pipeline.h"
#include "server/registry/registry.h"

namespace torchere {

// The server as a whole: its stages, made in the order of a request's way and
// ended in reverse.
class App {
 public:
  // Opens the port, loads the models, then serves. Nothing is served when it
  // fails; the error is one line for the person who typed the flags.
  static absl::StatusOr<std::unique_ptr<App>> Start(const Config& config, Observer& observer);

  // "127.0.0.1:8500", with the port it got.
  const std::string& address() const { return address_; }
  // Likewise; empty: there is none for health alone.
  const std::string& health_address() const { return health_address_; }
  // Whether a device has been lost; SIGTERM has come then, and the process is to be
  // started again.
  bool device_lost() const { return device_lost_; }
  // How many models answer requests.
  int models() const;

  // Says NOT_SERVING, takes nothing new, and waits for what has been taken; calls
  // that last longer than drain_timeout() are cancelled. A run that hangs keeps it
  // from returning: End (ending.h) is for that.
  void Drain();
  Duration drain_timeout() const { return config_.drain_timeout; }

  // Whether a run hangs.
  bool hangs() const;
  // What runs now, for the log; empty: nothing.
  std::string Running() const;

 private:
  App(const Config& config, Observer& observer);

  absl::Status LoadModels();
  // On a worker's thread.
  void LoseDevice();
  absl::Status Serve(Listener listener, std::optional<Listener> health_listener);
  std::optional<bool> IsServing(const std::string& part) const;

  const Config config_;
  std::atomic<bool> device_lost_ = false;
  std::atomic<bool> draining_ = false;
  std::string address_, health_address_;
  std::unique_ptr<Backend> backend_;
  Gate predict_gate_;
  // What the streams keep as long as they last; their requests pass predict_gate_.
  Gate stream_gate_;
  // Status and health: small messages, which a full server still answers.
  Gate status_gate_;
  Gate watch_gate_;
  // What comes by the health listener has places of its own.
  Gate probe_gate_;
  // Before the pools, whose watchdogs tell it what hangs.
  Health health_;
  DevicePools pools_;
  ModelLoader loader_;
  Registry registry_;
  Pipeline pipeline_;
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace torchere
