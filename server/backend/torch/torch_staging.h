// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <vector>

#include "server/backend/backend.h"
#include "server/request/tensor.h"

namespace torchere {

// The way of tensors to an asynchronous device and back: through host memory that
// it copies from and to by itself (pinned), on the calling thread's stream.
// May throw what LibTorch throws.
class TorchStaging : public Staging {
 public:
  // Without `pinned` memory the copies are right, but the thread may wait for
  // them.
  TorchStaging(c10::Device device, bool pinned) : device_(device), pinned_(pinned) {}

  // Whether the device has pinned memory here.
  static bool CanPin();

  c10::Device device() const { return device_; }

  // Gathers the bytes, whatever pieces they lie in, and begins their copy to the
  // device. They are kept until Clear.
  at::Tensor ToDevice(at::IntArrayRef sizes, at::ScalarType type, const Bytes& bytes);

  // Begins the copy of the tensor's items, row-major, to the host. They are there
  // once the device has done it.
  at::Tensor ToHost(const at::Tensor& tensor) const;

  // Lets go of what was gathered: the device must have read it.
  void Clear() { gathered_.clear(); }

 private:
  at::Tensor Allocate(at::IntArrayRef sizes, at::ScalarType type) const;

  const c10::Device device_;
  const bool pinned_;
  std::vector<at::Tensor> gathered_;
};

}  // namespace torchere
