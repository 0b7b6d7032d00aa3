// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <iterator>

#include "server/base/clock.h"

namespace torchere {

// Whose batch a device runs next: start-time fair queueing (docs/adr/0006). Each
// queue has a turn, a clock of the device time that it has been given; the queue
// whose clock is furthest behind goes next, so that a heavy model cannot starve
// a light one. A queue that was empty has not saved time up.
class FairTurns {
 public:
  // A queue's clock.
  struct Turn {
    Duration begin{};
  };

  // A queue that was empty holds something from now on.
  void Enter(Turn& turn) const { turn.begin = std::max(turn.begin, now_); }

  // The queue with this turn runs a batch that is expected to take `time`.
  void Begin(Turn& turn, Duration time) {
    now_ = std::max(now_, turn.begin);
    turn.begin += time;
  }

  // The batch took `actual` in place of `expected`.
  static void End(Turn& turn, Duration expected, Duration actual) {
    turn.begin += actual - expected;
  }

 private:
  // The clock of what began last.
  Duration now_{};
};

}  // namespace torchere
