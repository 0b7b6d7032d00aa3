// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/backend/backend.h"
#include "server/base/clock.h"
#include "server/executor/team.h"
#include "server/registry/model_config.h"
#include "server/request/cost_curve.h"

namespace torchere {

// What warm-up found out of a method.
struct Trial {
  // How long runs take; empty where no sample could be made.
  CostCurve curve = {};
  // The same with all cores of the device, where a run is long enough to be lent
  // them; never of a method whose answers must be bit-equal.
  CostCurve with_all = {};
  // Whether requests may run together.
  bool batched = false;
  // Why not, or how well it was proven.
  std::string finding = {};
};

// Runs a method of a model on samples, those given or else made up: so that no caller pays for its
// first runs, to measure how long runs of 1 to max_rows rows take, and to prove that a row's answer
// is the same whatever rows are beside it. On a worker's thread, whose device has these `cores`.
// Takes about `time` at most, besides what a single run takes.
Trial TryMethod(const MethodSignature& method, LoadedModel& model, WorkerContext& context,
                const BatchingConfig& config, Duration time,
                const std::vector<Arguments>& samples = {}, const Cores& cores = {});

}  // namespace torchere
