// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/worker_context.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <optional>

#include "server/backend/torch/torch_device.h"

namespace torchere {
namespace {

class TorchWorkerContext : public WorkerContext {
 public:
  explicit TorchWorkerContext(const Device& device) {
    // Without it kernels outside ATen would use a thread for each core.
    at::init_num_threads();
    at::globalContext().setFlushDenormal(true);
    if (device.kind == Device::Kind::kCpu) return;
    const c10::Device torch_device = ToTorch(device);
    device_.emplace(torch_device);
    const c10::impl::VirtualGuardImpl backend(torch_device.type());
    stream_.emplace(backend.getStreamFromGlobalPool(torch_device));
  }

 private:
  // Each is of the thread, from its construction to its end.
  c10::InferenceMode inference_;
  std::optional<c10::DeviceGuard> device_;
  std::optional<c10::StreamGuard> stream_;
};

}  // namespace

std::unique_ptr<WorkerContext> StartTorchWorker(const Device& device) {
  return std::make_unique<TorchWorkerContext>(device);
}

}  // namespace torchere
