// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/runtime.h"

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "server/backend/torch/openmp.h"
#include "server/backend/torch/torch_device.h"

namespace torchere {

void ConfigureTorchRuntime(const TorchRuntimeOptions& options) {
  // Only models that fork use these threads. LibTorch takes the number once.
  if (at::get_num_interop_threads() != 1) at::set_num_interop_threads(1);
  at::set_num_threads(std::max(1, options.intra_op_threads));
  MakeOpenMpPatient();
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

absl::Status TryTorchDevice(const Device& device) {
  if (!IsAsynchronous(device)) return absl::OkStatus();
  try {
    const c10::DeviceGuard guard(ToTorch(device));
    const c10::impl::VirtualGuardImpl backend(ToTorch(device).type());
    backend.getStreamFromGlobalPool(ToTorch(device)).synchronize();
    return absl::OkStatus();
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return absl::UnavailableError(text.substr(0, text.find('\n')));
  } catch (const std::exception& error) {
    return absl::UnavailableError(error.what());
  }
}

Mutex& TorchLoadMutex() {
  static Mutex mutex;
  return mutex;
}

}  // namespace torchere
