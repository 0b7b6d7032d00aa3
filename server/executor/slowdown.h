// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

#include "server/base/clock.h"

namespace torchere {

// How much longer a device's runs take than by their curves, lately: they slow each
// other.
class Slowdown {
 public:
  double value() const { return value_; }

  // A run that was expected to take `expected` took `actual`.
  void Observe(Duration expected, Duration actual) {
    if (expected <= Duration::zero()) return;
    const double ratio = std::chrono::duration<double>(actual) / expected;
    // A moving average by device time, in which a single run cannot count for
    // much.
    const double weight = std::min(1.0 / 16, expected / kMemory);
    value_ += (std::clamp(ratio, 0.5, 4.0) - value_) * weight;
  }

 private:
  // Of so much device time it is the average.
  static constexpr std::chrono::duration<double> kMemory{0.2};

  double value_ = 1;
};

}  // namespace torchere
