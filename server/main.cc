// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "server/app/app.h"
#include "server/app/config.h"
#include "server/app/ending.h"
#include "server/app/process.h"
#include "server/app/version.h"
#include "server/backend/torch/runtime.h"
#include "server/frontend/grpc/grpc_log.h"
#include "server/observe/log_observer.h"

namespace {

constexpr int kCannotStart = 1, kWrongUsage = 2;

int Complain(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "torchere-server: %s\n", std::string(status.message()).c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace torchere;
  PrepareProcess();
  ConfigureTorchRuntime({});
  const auto command_line = ParseCommandLine(argc, argv, VersionText);
  if (!command_line.ok()) return Complain(command_line.status(), kWrongUsage);
  const std::optional<Config>& config = command_line->config;
  if (!config) {
    std::fputs(command_line->text.c_str(), stdout);
    return 0;
  }
  InitLog();
  RedirectLibraryLogs();
  LogObserver observer;
  auto app = [&] {
    // Nobody has been promised anything while models load.
    const ExitOnSignal exit_at_once(0);
    return App::Start(*config, observer);
  }();
  if (!app.ok()) return Complain(app.status(), kCannotStart);
  const std::string health = (*app)->health_address();
  std::printf("torchere-server ready grpc=%s %s%smodels=%d\n", (*app)->address().c_str(),
              health.empty() ? "" : "health=", health.empty() ? "" : (health + " ").c_str(),
              (*app)->models());
  std::fflush(stdout);

  spdlog::info("ending: {}", WaitForSignal());
  return End(*std::move(app));
}
