// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <utility>

#include "server/base/clock.h"
#include "server/batching/batch.h"
#include "server/request/cost_curve.h"
#include "server/request/device.h"

namespace torchere {

// The cores of a device, at the moment when a run begins.
struct Cores {
  // All of them, of `workers` workers with `own` each. Only on the CPU are they more
  // than a worker's: those of another device wait for it.
  static Cores Of(const Device& device, int workers, int own);

  // Of each run: its worker's.
  int own = 1;
  // That no other run uses: those that may be this run's, its own included.
  int free = 1;
  // Of the device.
  int all = 1;
};

// The threads of one run.
struct Team {
  int threads = 1;
  // How long the run takes with them.
  Duration time{};
};

// A run that takes less is lent nothing: a team is made for a run and ended with
// it, and where the parts of a run are short its threads wait for each other
// (docs/adr/0008).
constexpr Duration kLeastLent = std::chrono::milliseconds(20);

// The team of a run that takes `with_own` on cores.own and `with_all` on cores.all,
// as it was measured; zero where it was not. What lies between follows Amdahl's
// law. It is lent all free cores if that is worth it, else has its own.
Team ChooseTeam(Duration with_own, Duration with_all, const Cores& cores);

// The same for the batches of a method, by how long they take with all cores.
class TeamCosts {
 public:
  // Of a method that is batched what has no rows is of no shape that was measured.
  explicit TeamCosts(bool batched) : batched_(batched) {}

  // As it was measured. Without it a batch has cores.own.
  void Set(CostCurve with_all) { with_all_ = std::move(with_all); }

  // After 256 batches that could have had all cores but would have saved too little,
  // as far as is known, one is given them: the machine may have been busy.
  Team Choose(const Batch& batch, const Cores& cores);

  // A batch for which it chose cores.all took `time`, with no other beside it.
  void Observe(const Batch& batch, Duration time);

 private:
  bool batched_;
  CostCurve with_all_;
  // Batches without all cores since the last that was given them all the same.
  int without_ = 0;
  // Of the batch that was given all cores to see; 0 where there is none.
  int64_t tried_rows_ = 0;
};

}  // namespace torchere
