// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "server/backend/backend.h"
#include "server/base/mutex.h"
#include "server/executor/device_pool.h"
#include "server/observe/observer.h"

namespace torchere {

struct DevicePoolsOptions {
  // Where models run that do not say where, and the only devices that they may
  // name; empty: on every CUDA device that there is, else on the CPU, and they may
  // name any.
  std::vector<Device> devices = {};
  // Cores that the process may use, and threads that one run may have.
  int cores = 1;
  int intra_op_threads = 1;
  // Is called when a device is lost.
  std::function<void()> on_lost = {};
  // After so long a run may count as hanging (watchdog.h); zero: none ever does.
  Duration hang_after{};
  // Is called when a run hangs, or has ended after all.
  std::function<void()> on_hang = {};
};

// The pools of a server's devices; one is started when the first model asks for
// it. Thread-safe.
class DevicePools {
 public:
  // Both must outlive it.
  DevicePools(Backend& backend, Observer& observer, DevicePoolsOptions options);

  // Starts the pools of options.devices. Nothing is to be served where it fails.
  //
  //   FAILED_PRECONDITION  as Get
  absl::Status Start();

  // The pools of the devices, in order; without any those that are the default.
  //
  //   FAILED_PRECONDITION  DEVICE_NOT_FOUND: one is not there, does not work, or
  //                        is not among options.devices; the message names those
  //                        that may be used
  absl::StatusOr<std::vector<DevicePool*>> Get(const std::vector<Device>& devices);

  // The device's pool, where it has been started; else null.
  DevicePool* Find(const Device& device) const;

  // DevicePool::GiveUpDead of all.
  void GiveUpDead();

  // DevicePool::RunsUnderWay of all.
  std::vector<std::string> RunsUnderWay() const;

  // "cpu: 2 workers x 1 intra-op threads (up to 2 while others are idle); 2 cores may
  // be used", for the log.
  std::string Threads() const;

 private:
  // Those that have been started.
  std::vector<DevicePool*> All() const;
  absl::StatusOr<DevicePool*> GetOne(const Device& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Backend& backend_;
  Observer& observer_;
  const DevicePoolsOptions options_;
  // options_.devices, or what stands for none.
  const std::vector<Device> defaults_;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<DevicePool>> pools_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torchere
