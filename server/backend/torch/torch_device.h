// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/Device.h>

#include "server/request/device.h"

namespace torchere {

inline c10::Device ToTorch(const Device& device) {
  const auto index = static_cast<c10::DeviceIndex>(device.index);
  switch (device.kind) {
    case Device::Kind::kCuda:
      return c10::Device(c10::DeviceType::CUDA, index);
    case Device::Kind::kPrivate:
      return c10::Device(c10::DeviceType::PrivateUse1, index);
    case Device::Kind::kCpu:
      break;
  }
  return c10::Device(c10::DeviceType::CPU);
}

}  // namespace torchere
