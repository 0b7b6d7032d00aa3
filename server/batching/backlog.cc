// SPDX-License-Identifier: Apache-2.0
#include "server/batching/backlog.h"

namespace torchere {

Duration Backlog::TimeOf(const Kind& kind, int64_t rows, const CutPlan& plan) {
  return kind.alone ? rows * plan.RunTime(1) : plan.TimeFor(rows);
}

void Backlog::Add(const Kind& kind, int64_t rows, const CutPlan& plan) {
  const auto waiting = kinds_.try_emplace(kind, 0).first;
  time_ -= TimeOf(kind, waiting->second, plan);
  waiting->second += rows;
  rows_ += rows;
  if (kind.alone) alone_ += rows;
  time_ += TimeOf(kind, waiting->second, plan);
  if (waiting->second == 0) kinds_.erase(waiting);
}

Duration Backlog::TimeAhead(int32_t priority, const CutPlan& plan) const {
  Duration time{};
  for (const auto& [kind, rows] : kinds_) {
    if (kind.priority >= priority) time += TimeOf(kind, rows, plan);
  }
  return time;
}

void Backlog::Recount(const CutPlan& plan) {
  time_ = Duration::zero();
  for (const auto& [kind, rows] : kinds_) time_ += TimeOf(kind, rows, plan);
}

}  // namespace torchere
