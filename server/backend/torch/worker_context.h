// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "server/backend/backend.h"
#include "server/backend/torch/torch_staging.h"
#include "server/request/device.h"

namespace torchere {

// Makes the calling thread one that runs models on a device, for as long as it
// lives: its operations use as many threads as UseThreads said last, record
// nothing for gradients, take denormal numbers for zero, and, where the device is
// asynchronous, run on a stream of its own.
class TorchWorkerContext : public WorkerContext {
 public:
  // Of one of FindDevices(). May throw what LibTorch throws.
  explicit TorchWorkerContext(const Device& device);

  std::unique_ptr<Staging> MakeStaging() override;
  void FreeUnused() override;
  // Does nothing where CanEndTeam() does not hold.
  void UseThreads(int threads) override;

  // What is below is of asynchronous devices alone.

  // A fence behind all that the thread's stream has been given. May throw.
  std::unique_ptr<Fence> RecordFence();

  // Waits until the stream has done all that it was given.
  //
  //   UNAVAILABLE  DEVICE_LOST
  absl::Status Synchronize();

  // For runs that are waited for at once.
  TorchStaging& staging() { return *staging_; }

 private:
  const Device device_;
  // Each is of the thread, from its construction to its end.
  c10::InferenceMode inference_;
  std::optional<c10::DeviceGuard> device_guard_;
  std::optional<c10::StreamGuard> stream_;
  bool can_pin_ = false;
  std::optional<TorchStaging> staging_;
};

}  // namespace torchere
