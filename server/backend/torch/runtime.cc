// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/runtime.h"

#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdio>

namespace torchere {

void ConfigureTorchRuntime(const TorchRuntimeOptions& options) {
  // Only models that fork use these threads. LibTorch takes the number once.
  if (at::get_num_interop_threads() != 1) at::set_num_interop_threads(1);
  at::set_num_threads(std::max(1, options.intra_op_threads));
  // The profiling executor compiles anew for new shapes, which stalls requests
  // for up to a second; without it a model is compiled once.
  torch::jit::getProfilingMode() = false;
  // Stdout is for the line that says where the server listens.
  torch::jit::setPrintHandler([](const std::string& text) { std::fputs(text.c_str(), stderr); });
}

std::string LibTorchVersion() { return TORCH_VERSION; }

std::vector<Device> FindDevices() {
  std::vector<Device> devices = {Device{}};
  if (!c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA)) return devices;
  const c10::impl::VirtualGuardImpl cuda(c10::DeviceType::CUDA);
  for (int i = 0; i < cuda.deviceCount(); ++i) {
    devices.push_back({.kind = Device::Kind::kCuda, .index = i});
  }
  return devices;
}

Mutex& TorchLoadMutex() {
  static Mutex mutex;
  return mutex;
}

}  // namespace torchere
