// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/torch_staging.h"

#include <ATen/ops/empty.h>

#include <exception>

namespace torchere {

bool TorchStaging::CanPin() {
  try {
    at::empty({1}, at::TensorOptions(at::kByte).pinned_memory(true));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

// LibTorch keeps pinned memory that is let go for later, and gives it out again
// only when the copies from and to it have ended.
at::Tensor TorchStaging::Allocate(at::IntArrayRef sizes, at::ScalarType type) const {
  return at::empty(sizes, at::TensorOptions(type).pinned_memory(pinned_));
}

at::Tensor TorchStaging::ToDevice(at::IntArrayRef sizes, at::ScalarType type, const Bytes& bytes) {
  const at::Tensor& gathered = gathered_.emplace_back(Allocate(sizes, type));
  TORCH_CHECK(bytes.size() == gathered.nbytes(), "a tensor of ", gathered.nbytes(), " bytes has ",
              bytes.size());
  if (!bytes.empty()) bytes.CopyTo(gathered.mutable_data_ptr());
  return gathered.to(device_, /*non_blocking=*/true);
}

at::Tensor TorchStaging::ToHost(const at::Tensor& tensor) const {
  at::Tensor host = Allocate(tensor.sizes(), tensor.scalar_type());
  host.copy_(tensor.resolve_neg(), /*non_blocking=*/true);
  return host;
}

}  // namespace torchere
