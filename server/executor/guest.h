// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <thread>

#include "server/backend/backend.h"
#include "server/executor/device_pool.h"

namespace torchere {

// A thread outside the pool that runs short batches itself when it has nothing
// else to do: for those the hand-over to a worker costs more than the run
// (docs/adr/0007). What it submits to a queue that allows it (ModelQueue::
// AllowGuest) is kept for it, unless so much waits that a worker's help pays. One
// a pool, which must outlive it; made, used and ended on its thread.
class Guest {
 public:
  explicit Guest(DevicePool& pool);
  // What was kept is left to the workers.
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  // Whether something was kept for it.
  bool has_work() const { return has_work_; }

  // Runs a batch of what was kept, and answers it.
  void RunBatch();

 private:
  friend class DevicePool;

  DevicePool& pool_;
  const std::thread::id thread_ = std::this_thread::get_id();
  const std::unique_ptr<WorkerContext> context_;
  bool has_work_ = false;
};

}  // namespace torchere
