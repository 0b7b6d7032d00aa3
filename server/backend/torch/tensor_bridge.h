// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/statusor.h"
#include "server/backend/torch/torch_staging.h"
#include "server/request/tensor.h"

namespace torchere {

// Whether FromTorch may hand out a tensor's own memory.
enum class OutputMemory {
  kShare,  // nothing writes to it any more
  kCopy    // the model may write to it in a later run
};

// A tensor of its own: its bytes are copied once, whatever pieces they lie in. By
// way of `staging` to its device, else in memory. May throw what LibTorch throws.
at::Tensor ToTorch(const Tensor& tensor, TorchStaging* staging);

// How outputs are taken out of a run.
struct OutputPath {
  OutputMemory memory = OutputMemory::kCopy;
  // Of a run on its device, whose outputs are not waited for.
  const TorchStaging* staging = nullptr;
};

// The tensor's items, row-major, in memory. With kShare a contiguous tensor on
// the CPU is not copied: its storage lives as long as the bytes, unless that would
// keep more than four times its size. `name` leads the error's text.
// May throw what LibTorch throws.
//
//   INTERNAL  UNSUPPORTED_OUTPUT: complex, sparse, quantized or another tensor
//             that Tensor cannot describe
absl::StatusOr<Tensor> FromTorch(const at::Tensor& tensor, const OutputPath& path,
                                 const std::string& name);

}  // namespace torchere
