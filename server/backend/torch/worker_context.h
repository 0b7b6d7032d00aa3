// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "server/backend/backend.h"
#include "server/request/device.h"

namespace torchere {

// Makes the calling thread one that runs models on `device`, one of
// FindDevices(): its operations use ConfigureTorchRuntime's number of threads,
// record nothing for gradients, take denormal numbers for zero, and, where the
// device is not the CPU, run on a stream of its own.
std::unique_ptr<WorkerContext> StartTorchWorker(const Device& device);

}  // namespace torchere
