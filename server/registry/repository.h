// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace torchere {

// One version of a model on disk.
struct VersionSource {
  int64_t version = 0;
  // Its model.pt.
  std::string path;
};

// A model on disk.
struct ModelSource {
  std::string name;
  // Its model.yaml; empty where there is none.
  std::string config_path;
  // Newest first; never empty.
  std::vector<VersionSource> versions;
};

// What a repository holds.
struct Repository {
  // By name.
  std::vector<ModelSource> models;
  // What was passed over though it looks like a model, a sentence each:
  // a version folder that is no positive integer, a model.pt outside one.
  std::vector<std::string> warnings;
};

// Lists DIR/<name>/<version>/model.pt. Opens no model.
//
//   NOT_FOUND         no such folder
//   INVALID_ARGUMENT  not a folder, not readable, or without a single model
absl::StatusOr<Repository> ScanRepository(const std::string& dir);

// Whether a model may be called so: 1 to 128 of A-Z a-z 0-9 . _ -, not first a
// dot.
bool IsModelName(const std::string& name);

}  // namespace torchere
