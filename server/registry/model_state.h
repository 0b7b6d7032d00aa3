// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace torchere {

// Where a version is in its life. The numbers are torchere.v1.ModelState's.
enum class ModelState { kStart = 10, kLoading = 20, kAvailable = 30, kUnloading = 40, kEnd = 50 };

// "AVAILABLE", …
constexpr const char* Name(ModelState state) {
  switch (state) {
    case ModelState::kStart:
      return "START";
    case ModelState::kLoading:
      return "LOADING";
    case ModelState::kAvailable:
      return "AVAILABLE";
    case ModelState::kUnloading:
      return "UNLOADING";
    case ModelState::kEnd:
      return "END";
  }
  return "?";
}

// What is told of a version.
struct VersionStatus {
  int64_t version = 0;
  ModelState state = ModelState::kStart;
  // Why it is at END, or, while AVAILABLE, takes no requests for the time being.
  absl::Status error = {};
  absl::Time state_since = {};
  // Until AVAILABLE.
  absl::Duration load_time = {};
  std::string device = {};
  std::string backend = {};
  std::string digest = {};
  int64_t file_bytes = 0;
};

struct ModelStatus {
  std::string name = {};
  // Newest first.
  std::vector<VersionStatus> versions = {};
};

}  // namespace torchere
