// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/worker_context.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

#include <utility>

#include "server/backend/torch/exceptions.h"
#include "server/backend/torch/openmp.h"
#include "server/backend/torch/torch_device.h"

// LibTorch has had a name for what can empty an allocator's cache since 2.9.
#define TORCHERE_HAS_DEVICE_ALLOCATOR \
  (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 9))
#if TORCHERE_HAS_DEVICE_ALLOCATOR
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace torchere {
namespace {

class TorchFence : public Fence {
 public:
  TorchFence(const Device& device, const c10::Stream& stream)
      : device_(device), event_(stream.device_type()) {
    event_.record(stream);
  }

  absl::Status Wait() override {
    try {
      event_.synchronize();
      return absl::OkStatus();
    } catch (...) {
      return DeviceLost(device_);
    }
  }

 private:
  const Device device_;
  c10::Event event_;
};

}  // namespace

TorchWorkerContext::TorchWorkerContext(const Device& device) : device_(device) {
  // Without it kernels outside ATen would use a thread for each core.
  at::init_num_threads();
  // The thread's first operation would else set it again.
  at::get_num_threads();
  at::globalContext().setFlushDenormal(true);
  if (!IsAsynchronous(device)) return;
  const c10::Device torch_device = ToTorch(device);
  device_guard_.emplace(torch_device);
  const c10::impl::VirtualGuardImpl backend(torch_device.type());
  stream_.emplace(backend.getStreamFromGlobalPool(torch_device));
  can_pin_ = TorchStaging::CanPin();
  staging_.emplace(torch_device, can_pin_);
}

std::unique_ptr<Staging> TorchWorkerContext::MakeStaging() {
  if (!IsAsynchronous(device_)) return nullptr;
  return std::make_unique<TorchStaging>(ToTorch(device_), can_pin_);
}

// Before 2.9 there is nothing to call; CUDA's allocator empties its cache by
// itself before it says that memory has run out.
void TorchWorkerContext::FreeUnused() {
#if TORCHERE_HAS_DEVICE_ALLOCATOR
  if (!IsAsynchronous(device_)) return;
  auto* allocator = dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(ToTorch(device_).type()));
  if (allocator == nullptr) return;
  try {
    allocator->emptyCache();
  } catch (const std::exception&) {
    // The run that follows says what is wrong.
  }
#endif
}

// Not omp_set_num_threads: MKL has a number of its own, and at:: sets both.
void TorchWorkerContext::UseThreads(int threads) {
  if (!CanEndTeam()) return;
  const bool fewer = threads < at::get_num_threads();
  at::set_num_threads(threads);
  if (fewer) EndTeam();
}

std::unique_ptr<Fence> TorchWorkerContext::RecordFence() {
  return std::make_unique<TorchFence>(device_, stream_->current_stream());
}

absl::Status TorchWorkerContext::Synchronize() {
  try {
    stream_->current_stream().synchronize();
    return absl::OkStatus();
  } catch (...) {
    return DeviceLost(device_);
  }
}

}  // namespace torchere
