// SPDX-License-Identifier: Apache-2.0
#include "server/executor/team.h"

#include <algorithm>
#include <cstdint>

namespace torchere {
namespace {

// A larger team must save a tenth of the time.
constexpr double kWorthwhile = 0.9;
constexpr int kTryAfter = 256;

int64_t CurveRows(const Batch& batch) { return std::max<int64_t>(1, batch.run_rows); }

}  // namespace

Cores Cores::Of(const Device& device, int workers, int own) {
  const int all = IsAsynchronous(device) ? own : own * workers;
  return {.own = own, .free = all, .all = all};
}

Team ChooseTeam(Duration with_own, Duration with_all, const Cores& cores) {
  const Team own = {.threads = cores.own, .time = with_own};
  const int threads = std::min(cores.free, cores.all);
  if (threads <= cores.own || with_own < kLeastLent || with_all <= Duration::zero()) return own;
  // The part of the difference that is left with so many threads.
  const double left = (1.0 / threads - 1.0 / cores.all) / (1.0 / cores.own - 1.0 / cores.all);
  const Duration time = with_all + Times(with_own - with_all, left);
  if (time > Times(with_own, kWorthwhile)) return own;
  return {.threads = threads, .time = time};
}

Team TeamCosts::Choose(const Batch& batch, const Cores& cores) {
  const bool measured = !with_all_.empty() && (batch.rows > 0 || !batched_);
  const int64_t rows = CurveRows(batch);
  const Team team =
      ChooseTeam(batch.expected, measured ? with_all_.Of(rows) : Duration::zero(), cores);
  const bool could = measured && cores.free == cores.all && batch.expected >= kLeastLent;
  if (!could || team.threads == cores.all || ++without_ < kTryAfter) return team;
  without_ = 0;
  // One run shows whether that is so.
  tried_rows_ = rows;
  return {.threads = cores.all, .time = Times(batch.expected, kWorthwhile)};
}

void TeamCosts::Observe(const Batch& batch, Duration time) {
  const int64_t rows = CurveRows(batch);
  if (rows == tried_rows_) {
    // Of this size alone: the others were not tried.
    with_all_.Set(rows, time);
    tried_rows_ = 0;
  } else {
    with_all_.Observe(rows, time);
  }
}

}  // namespace torchere
