// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/base/clock.h"

namespace torchere {

// Keeps work that is asked for again and again to a tenth of its thread's time.
class TimeShare {
 public:
  // From when on it may be done again.
  Time next() const { return next_; }

  // It was done from `started` to `ended`.
  void Spent(Time started, Time ended) { next_ = ended + 9 * (ended - started); }

 private:
  Time next_{};
};

}  // namespace torchere
