// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace torchere::cli {

// "2025-11-21T13:00:01Z": to the second, in UTC.
std::string TimestampText(std::chrono::system_clock::time_point time);

// In milliseconds, for JSON.
inline double Milliseconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

}  // namespace torchere::cli
