// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace torchere {

// The candidate that `name` most likely is a slip of: at most a third of its
// letters wrong, missing, added or swapped, whatever their case. Empty where
// none is so close.
std::string ClosestName(absl::string_view name, const std::vector<std::string>& candidates);

}  // namespace torchere
