// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"

namespace torchere {

// How many calls have arrived and are not over. Thread-safe.
class CallCount {
 public:
  void Add() {
    MutexLock lock(mutex_);
    ++calls_;
  }

  void Remove() {
    // Under the lock: whoever waits may end this object once it has been let go.
    MutexLock lock(mutex_);
    if (--calls_ == 0) none_.NotifyAll();
  }

  void AwaitNone() {
    MutexLock lock(mutex_);
    while (calls_ != 0) none_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar none_;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace torchere
