// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/statusor.h"
#include "server/request/device.h"
#include "server/request/tensor.h"

namespace torchere {

// A tensor of its own on `device`: its bytes are copied once, whatever pieces
// they lie in. May throw what LibTorch throws.
at::Tensor ToTorch(const Tensor& tensor, const Device& device);

// Whether FromTorch may hand out a tensor's own memory.
enum class OutputMemory {
  kShare,  // nothing writes to it any more
  kCopy    // the model may write to it in a later run
};

// The tensor's items, row-major, in memory. With kShare a contiguous tensor on
// the CPU is not copied: its storage lives as long as the bytes, unless that would
// keep more than four times its size. `path` leads the error's text.
// May throw what LibTorch throws.
//
//   INTERNAL  UNSUPPORTED_OUTPUT: complex, sparse, quantized or another tensor
//             that Tensor cannot describe
absl::StatusOr<Tensor> FromTorch(const at::Tensor& tensor, OutputMemory memory,
                                 const std::string& path);

}  // namespace torchere
