// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "absl/container/btree_set.h"
#include "server/base/clock.h"

namespace torchere {

// What has a time at which it wants to be told.
class Timed {
 public:
  // Its time has come, and it is out of the Timers.
  virtual void TimeOut() = 0;

 protected:
  ~Timed() = default;
};

// Whose time comes when. Of the completion queue's thread alone: no lock, and no
// timer of the kernel's for each call.
class Timers {
 public:
  void Set(Time at, Timed& timed) {
    if (at != kNever) at_.emplace(at, &timed);
  }
  void Clear(Time at, Timed& timed) {
    if (at != kNever) at_.erase({at, &timed});
  }

  // When the first is due; kNever where there is none.
  Time First() const { return at_.empty() ? kNever : at_.begin()->first; }

  // Takes out one whose time is `now` or earlier; nothing once there is none.
  Timed* TakeDue(Time now) {
    if (at_.empty() || at_.begin()->first > now) return nullptr;
    Timed* const due = at_.begin()->second;
    at_.erase(at_.begin());
    return due;
  }

 private:
  absl::btree_set<std::pair<Time, Timed*>> at_;
};

}  // namespace torchere
