// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/observe/observer.h"

namespace torchere {

// Makes spdlog's default logger write to stderr, a line an event:
// "2026-11-21T14:02:11.345Z INFO  text", coloured on a terminal. For main().
void InitLog();

// Writes the events to the log.
class LogObserver : public Observer {
 public:
  void ModelAvailable(const std::string& model, int64_t version, const std::string& device,
                      Duration load_time) override;
  void ModelFinding(const std::string& model, int64_t version, const std::string& finding) override;
  void ModelFailed(const std::string& model, int64_t version, const absl::Status& why) override;
  void DeviceLost(const std::string& device, const absl::Status& why) override;
  void RunHangs(const ServedModel& model, const std::string& device, Duration time,
                const std::string& measures) override;
  void HangEnded(const ServedModel& model, const std::string& device, Duration time) override;
  void RequestFailed(uint64_t id, const std::string& model, int64_t version,
                     const absl::Status& why) override;
};

}  // namespace torchere
