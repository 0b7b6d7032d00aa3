// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

#include "absl/status/statusor.h"
#include "server/backend/torch/tensor_bridge.h"
#include "server/request/signature.h"

namespace torchere {

// How a TorchScript module is called: each of its methods but those whose name
// begins with '_' (helpers, __getstate__), forward first, the others by name.
// Outputs are called as proto/torchere/v1/predict.proto says; a Dict whose keys
// are not text is one output.
Signature ReadSignature(const torch::jit::Module& module);

// Splits what a method that is declared to return `type` returned into its
// outputs, named as ReadSignature does. May throw what LibTorch throws.
//
//   INTERNAL  UNSUPPORTED_OUTPUT
absl::StatusOr<NamedValues> ReadOutputs(const c10::IValue& returned, const c10::Type& type,
                                        const OutputPath& path);

}  // namespace torchere
