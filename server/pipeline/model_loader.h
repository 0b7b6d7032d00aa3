// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "server/backend/backend.h"
#include "server/executor/device_pool.h"
#include "server/registry/loader.h"

namespace torchere {

// Loads a version through the backend and gives it a queue in the device's
// pool: where registry, backend and executor meet.
class ModelLoader : public Loader {
 public:
  // Both must outlive it and what it loads.
  ModelLoader(Backend& backend, DevicePool& pool) : backend_(backend), pool_(pool) {}

  absl::StatusOr<std::unique_ptr<ServedVersion>> Load(const std::string& path,
                                                      const ModelConfig& config) override;

 private:
  Backend& backend_;
  DevicePool& pool_;
};

}  // namespace torchere
