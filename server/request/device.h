// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/strings/str_cat.h"

namespace torchere {

// Where a model runs, in plain types: no library's header is needed to name it.
struct Device {
  enum class Kind { kCpu, kCuda };

  Kind kind = Kind::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

// "cpu", "cuda:0"
inline std::string Name(const Device& device) {
  return device.kind == Device::Kind::kCpu ? "cpu" : absl::StrCat("cuda:", device.index);
}

}  // namespace torchere
