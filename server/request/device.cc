// SPDX-License-Identifier: Apache-2.0
#include "server/request/device.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace torchere {

std::string Name(const Device& device) {
  if (device.kind == Device::Kind::kCpu) return "cpu";
  return absl::StrCat(device.kind == Device::Kind::kCuda ? "cuda:" : "privateuseone:",
                      device.index);
}

std::optional<Device> DeviceFromName(absl::string_view name) {
  if (name == "cpu") return Device{};
  for (const Device::Kind kind : {Device::Kind::kCuda, Device::Kind::kPrivate}) {
    const size_t colon = name.find(':');
    if (colon == absl::string_view::npos) continue;
    Device device{.kind = kind};
    const bool is_number = absl::SimpleAtoi(name.substr(colon + 1), &device.index);
    if (is_number && device.index >= 0 && Name(device) == name) return device;
  }
  return std::nullopt;
}

}  // namespace torchere
