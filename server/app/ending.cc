// SPDX-License-Identifier: Apache-2.0
#include "server/app/ending.h"

#include <chrono>

#include "server/app/process.h"

namespace torchere {
namespace {

constexpr int kEnded = 0, kNotDrained = 1, kDeviceLost = 3;
// What was cancelled at the end of the drain's time still has so long to end, and
// so has the server once nothing runs any more.
constexpr std::chrono::seconds kAfterDrain(2);

}  // namespace

int End(std::unique_ptr<App> app) {
  const bool lost = app->device_lost();
  const int late = lost ? kDeviceLost : kNotDrained;
  // What is known to hang is given no more.
  const Duration more = app->hangs() ? Duration::zero() : kAfterDrain;
  {
    const ExitOnSignal exit_at_once(late, app->drain_timeout() + more,
                                    [&app] { return app->Running(); });
    app->Drain();
  }
  const ExitOnSignal exit_at_once(late, kAfterDrain);
  // Before or meanwhile.
  const int status = app->device_lost() ? kDeviceLost : kEnded;
  app.reset();
  return status;
}

}  // namespace torchere
