// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "server/registry/loader.h"
#include "server/registry/model_state.h"
#include "server/request/model_ref.h"

namespace torchere {

// A version in the registry's table; `served` only while it is AVAILABLE.
struct ModelVersion {
  std::string model;
  VersionStatus status;
  std::unique_ptr<ServedVersion> served;
};

// A version that is AVAILABLE; holding it keeps it loaded.
class ModelHandle {
 public:
  explicit ModelHandle(std::shared_ptr<const ModelVersion> version)
      : version_(std::move(version)) {}

  const std::string& model() const { return version_->model; }
  const VersionStatus& status() const { return version_->status; }
  ServedVersion& served() const { return *version_->served; }

  // The same hold for a stage that may not look inside.
  ModelRef ref() const { return ModelRef(version_); }

 private:
  std::shared_ptr<const ModelVersion> version_;
};

}  // namespace torchere
