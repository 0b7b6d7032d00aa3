// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/request/model_ref.h"

namespace torchere {

// Is told what happens. It may look; it cannot fail a request or change it, and
// must not block. Called from any thread. Every event may be left as it is.
class Observer {
 public:
  virtual ~Observer() = default;

  // A version answers requests from now on.
  virtual void ModelAvailable(const std::string& /*model*/, int64_t /*version*/,
                              const std::string& /*device*/, Duration /*load_time*/) {}

  // Something that the load of a version found out: how it will be run.
  virtual void ModelFinding(const std::string& /*model*/, int64_t /*version*/,
                            const std::string& /*finding*/) {}

  // A version could not be loaded.
  virtual void ModelFailed(const std::string& /*model*/, int64_t /*version*/,
                           const absl::Status& /*why*/) {}

  // No run on the device will succeed until the process is started again.
  virtual void DeviceLost(const std::string& /*device*/, const absl::Status& /*why*/) {}

  // A run on the device has not ended for `time` and counts as hanging; `measures`
  // says what is done about it.
  virtual void RunHangs(const ServedModel& /*model*/, const std::string& /*device*/,
                        Duration /*time*/, const std::string& /*measures*/) {}

  // Such a run has ended after all.
  virtual void HangEnded(const ServedModel& /*model*/, const std::string& /*device*/,
                         Duration /*time*/) {}

  // A request ended with INTERNAL; LogTextOf(why) is what its caller is not told.
  virtual void RequestFailed(uint64_t /*id*/, const std::string& /*model*/, int64_t /*version*/,
                             const absl::Status& /*why*/) {}
};

}  // namespace torchere
