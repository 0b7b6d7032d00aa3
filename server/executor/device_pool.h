// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/backend/backend.h"
#include "server/base/mutex.h"
#include "server/batching/batch_queue.h"
#include "server/observe/observer.h"

namespace torchere {

class DevicePool;

// A model version's place in a device's pool: its queue, from which the workers
// of the device take. Ended when nothing waits in it and nothing of it runs
// (each Request holds its version, and so this, until it is answered).
class ModelQueue {
 public:
  // `pool` and `model` must outlive it.
  ModelQueue(DevicePool& pool, LoadedModel& model, BatchLimits limits)
      : pool_(pool), model_(model), waiting_(limits) {}

  // Takes a request and sees to its answer; on an error (BatchQueue::Push's) it
  // is left untouched. Thread-safe.
  absl::Status Submit(Request& request);

 private:
  friend class DevicePool;

  DevicePool& pool_;
  LoadedModel& model_;
  // Both belong to pool_'s mutex, which the analysis cannot name from here.
  BatchQueue waiting_;
  bool listed_ = false;
};

// The worker threads of one device, each with its own WorkerContext. Any of
// them runs any model of the device. It knows only the queues that hold
// something: idle models cost nothing.
class DevicePool {
 public:
  // Starts `workers` threads. `backend` and `observer` must outlive it.
  DevicePool(Backend& backend, Device device, int workers, Observer& observer);

  // Runs what still waits, then ends the threads.
  ~DevicePool();

  const Device& device() const { return device_; }

  // Answers the requests that nobody waits for any more, or whose deadline has
  // passed, and frees their places.
  void GiveUpDead();

 private:
  friend class ModelQueue;

  absl::Status Push(ModelQueue& queue, Request& request);
  void Work();
  // The next batch and its queue; waits for one. Empty when the pool ends.
  std::pair<Batch, ModelQueue*> Next();

  Backend& backend_;
  const Device device_;
  Observer& observer_;

  Mutex mutex_;
  CondVar wake_;
  // The queues that hold something, each once; the first is next.
  std::deque<ModelQueue*> ready_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that it is there when they look at what is above.
  std::vector<std::jthread> workers_;
};

}  // namespace torchere
