// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"

namespace torchere {

// Ends what one worker of an asynchronous device begins, in order, on a thread of
// its own: so that the worker can begin the next run while the device is at this
// one. So many runs are under way at most as there are places.
class CompletionThread {
 public:
  explicit CompletionThread(size_t places);

  // Ends what is under way.
  ~CompletionThread();

  // Waits until a place is free; which it is. They are taken in turn.
  size_t AwaitPlace();

  // Takes the place that AwaitPlace named, until `end` has returned. `end` waits
  // for the run's fence first.
  void Add(std::function<void()> end);

 private:
  void Work();

  const size_t places_;

  Mutex mutex_;
  CondVar changed_;
  // The first of them is being called.
  std::deque<std::function<void()>> ends_ ABSL_GUARDED_BY(mutex_);
  size_t added_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  // Last, so that it is there when it looks at what is above.
  std::jthread thread_;
};

}  // namespace torchere
