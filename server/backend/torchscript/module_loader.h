// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>

#include "absl/status/statusor.h"
#include "server/backend/torch/tensor_bridge.h"
#include "server/request/device.h"
#include "server/request/signature.h"

namespace torchere {

// A module that is ready to run, and how its outputs may be read.
struct ServableModule {
  torch::jit::Module module;
  Signature signature;
  // kCopy of a module that keeps state from run to run.
  OutputMemory output_memory = OutputMemory::kCopy;
};

// Loads a TorchScript archive onto the device, in evaluation mode. A module that
// writes none of its attributes is frozen: they become constants of all its
// methods. One load at a time in the process.
//
//   INVALID_ARGUMENT, FAILED_PRECONDITION, RESOURCE_EXHAUSTED  as Backend::Load
absl::StatusOr<ServableModule> LoadModule(const std::string& path, const Device& device);

}  // namespace torchere
