// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <utility>

#include "server/base/clock.h"

namespace torchere {

class Call;

// When which call's time is over. Of the completion queue's thread alone: no
// lock, and no timer of the kernel's for each call.
class Timers {
 public:
  void Set(Time at, Call& call) {
    if (at != kNever) at_.emplace(at, &call);
  }
  void Clear(Time at, Call& call) {
    if (at != kNever) at_.erase({at, &call});
  }

  // When the first is due; kNever where there is none.
  Time First() const { return at_.empty() ? kNever : at_.begin()->first; }

  // Takes out one call whose time is `now` or earlier; nothing once there is none.
  Call* TakeDue(Time now) {
    if (at_.empty() || at_.begin()->first > now) return nullptr;
    return at_.extract(at_.begin()).value().second;
  }

 private:
  std::set<std::pair<Time, Call*>> at_;
};

}  // namespace torchere
