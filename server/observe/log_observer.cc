// SPDX-License-Identifier: Apache-2.0
#include "server/observe/log_observer.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>

#include "server/request/error.h"

namespace torchere {
namespace {

std::string Text(const absl::Status& status) {
  const std::string detail = LogTextOf(status);
  const std::string message(status.message());
  return detail.empty() ? message : message + "\n" + detail;
}

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void InitLog() {
  auto logger = spdlog::stderr_color_mt("torchere");
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%S.%eZ %^%-5!l%$ %v", spdlog::pattern_time_type::utc));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void LogObserver::ModelAvailable(const std::string& model, int64_t version,
                                 const std::string& device, Duration load_time) {
  spdlog::info("model '{}' version {} is available on {}, loaded in {} ms", model, version, device,
               std::chrono::duration_cast<std::chrono::milliseconds>(load_time).count());
}

void LogObserver::ModelFinding(const std::string& model, int64_t version,
                               const std::string& finding) {
  spdlog::info("model '{}' version {}: {}", model, version, finding);
}

void LogObserver::ModelFailed(const std::string& model, int64_t version, const absl::Status& why) {
  spdlog::error("model '{}' version {} cannot be served: {}", model, version, Text(why));
}

void LogObserver::DeviceLost(const std::string& device, const absl::Status& why) {
  spdlog::critical("the device {} is lost, the server ends to be started again: {}", device,
                   Text(why));
}

void LogObserver::RunHangs(const ServedModel& model, const std::string& device, Duration time,
                           const std::string& measures) {
  spdlog::error(
      "model '{}' version {} hangs: a run of method '{}' on {} has not ended for {:.1f} s; {}",
      model.name, model.version, model.method, device, Seconds(time), measures);
}

void LogObserver::HangEnded(const ServedModel& model, const std::string& device, Duration time) {
  spdlog::warn(
      "model '{}' version {}: the run of method '{}' on {} that hung has ended, after {:.1f} s",
      model.name, model.version, model.method, device, Seconds(time));
}

void LogObserver::RequestFailed(uint64_t id, const std::string& model, int64_t version,
                                const absl::Status& why) {
  spdlog::error("request {:016x} to model '{}' version {} failed: {}", id, model, version,
                Text(why));
}

}  // namespace torchere
