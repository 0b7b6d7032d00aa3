// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace torchere {

// Where a model runs, in plain types: no library's header is needed to name it.
struct Device {
  // kPrivate: of a library that extends LibTorch (PrivateUse1).
  enum class Kind { kCpu, kCuda, kPrivate };

  Kind kind = Kind::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

// Whether it works by itself on what it has been given: its runs are begun, and
// have ended only once their Fence is passed.
inline bool IsAsynchronous(const Device& device) { return device.kind != Device::Kind::kCpu; }

// "cpu", "cuda:0", "privateuseone:0"
std::string Name(const Device& device);

// The device of that name; nothing where there can be none.
std::optional<Device> DeviceFromName(absl::string_view name);

// How a device is named, for messages.
inline constexpr char kDeviceNames[] = "cpu or cuda:N, as cuda:0";

}  // namespace torchere
