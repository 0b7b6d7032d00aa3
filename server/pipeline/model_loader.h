// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "server/backend/backend.h"
#include "server/executor/device_pools.h"
#include "server/registry/loader.h"

namespace torchere {

// Loads a version through the backend onto each of its devices and gives it a
// queue in each one's pool: where registry, backend and executor meet.
class ModelLoader : public Loader {
 public:
  // Both must outlive it and what it loads.
  ModelLoader(Backend& backend, DevicePools& pools) : backend_(backend), pools_(pools) {}

  //   FAILED_PRECONDITION  DEVICE_NOT_FOUND: config.devices names one that is not
  //                        there

  absl::StatusOr<std::unique_ptr<ServedVersion>> Load(const std::string& path,
                                                      const ModelConfig& config) override;

 private:
  Backend& backend_;
  DevicePools& pools_;
};

}  // namespace torchere
