// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/base/mutex.h"
#include "server/request/device.h"

namespace torchere {

// What LibTorch has one of in a process.
struct TorchRuntimeOptions {
  // Threads that one operation may use on the CPU, for each worker. At least 1.
  int intra_op_threads = 1;
};

// Sets them. To be called before any other use of LibTorch, from the thread that
// starts the workers; a later call may only change intra_op_threads, for workers
// that start after it. What a model prints goes to stderr from then on.
void ConfigureTorchRuntime(const TorchRuntimeOptions& options);

// "2.15.0": the release that this program was built with.
std::string LibTorchVersion();

// Where models can run: the CPU, then each CUDA device that LibTorch can reach,
// then those of a library that extends it (PrivateUse1).
std::vector<Device> FindDevices();

// Whether LibTorch can use one of them; the error's text says why not.
absl::Status TryTorchDevice(const Device& device);

// Held while a model is loaded: LibTorch's loaders are not safe beside each
// other (two AOTInductor packages at a time can end the process).
Mutex& TorchLoadMutex();

}  // namespace torchere
