// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/str_cat.h"

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
inline std::string Name(const Device& device) {
  if (device.kind == Device::Kind::kCpu) return "cpu";
  return absl::StrCat(device.kind == Device::Kind::kCuda ? "cuda:" : "privateuseone:",
                      device.index);
}

}  // namespace torchere
