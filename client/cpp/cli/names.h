// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace torchere::cli {

// The name that was probably meant: the nearest of `known` by single edits, if it
// is near enough to be no chance.
std::optional<std::string> NearestName(const std::string& name,
                                       const std::vector<std::string>& known);

}  // namespace torchere::cli
