// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace torchere {

// Time inside the server is steady. A client's wall-clock deadline is converted
// once, in the front end.
using SteadyClock = std::chrono::steady_clock;
using Time = SteadyClock::time_point;
using Duration = SteadyClock::duration;

// Later than any time that is ever reached: no deadline.
inline constexpr Time kNever = Time::max();

inline Time Now() { return SteadyClock::now(); }

inline Duration Times(Duration time, double factor) {
  return std::chrono::duration_cast<Duration>(time * factor);
}

}  // namespace torchere
