// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/runtime.h"

#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdio>

#include "server/backend/torch/torch_device.h"

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
  for (const Device::Kind kind : {Device::Kind::kCuda, Device::Kind::kPrivate}) {
    const c10::DeviceType type = ToTorch(Device{.kind = kind}).type();
    if (!c10::impl::hasDeviceGuardImpl(type)) continue;
    const int count = c10::impl::VirtualGuardImpl(type).deviceCount();
    for (int i = 0; i < count; ++i) devices.push_back({.kind = kind, .index = i});
  }
  return devices;
}

Mutex& TorchLoadMutex() {
  static Mutex mutex;
  return mutex;
}

}  // namespace torchere
