// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/Device.h>

#include "server/request/device.h"

namespace torchere {

inline c10::Device ToTorch(const Device& device) {
  if (device.kind == Device::Kind::kCpu) return c10::Device(c10::DeviceType::CPU);
  return c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device.index));
}

}  // namespace torchere
