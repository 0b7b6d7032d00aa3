// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/cli/console.h"
#include "client/cpp/cli/options.h"

namespace torchere::cli {

// What to do about an error, each a sentence on a line of its own: what was typed
// says which server, model and time it was about.
std::vector<std::string> NextSteps(const absl::Status& status, const Options& options);

// The error for a person: "error: NOT_FOUND MODEL_NOT_FOUND: …", then what to do.
std::string ErrorText(const absl::Status& status, const std::vector<std::string>& next,
                      const Style& style);

}  // namespace torchere::cli
