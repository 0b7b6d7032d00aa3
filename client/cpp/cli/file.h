// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace torchere::cli {

// All bytes of a file.
//
//   NOT_FOUND  there is none, it is a folder, or it cannot be read
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Makes or replaces a file.
//
//   UNKNOWN  it cannot be written
absl::Status WriteFile(const std::string& path, const std::string& bytes);

}  // namespace torchere::cli
