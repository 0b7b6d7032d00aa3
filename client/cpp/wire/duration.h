// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace torchere {
inline namespace client {

// Seconds that int64 nanoseconds can hold, sign aside: 292 years.
inline constexpr int64_t kMaxSeconds = 9'223'372'035;

// What is out of nanoseconds' range is cut to it: the wire may say 10000 years.
template <typename SecondsAndNanos>
std::chrono::nanoseconds ToNanoseconds(const SecondsAndNanos& wire) {
  const int64_t seconds = std::clamp<int64_t>(wire.seconds(), -kMaxSeconds, kMaxSeconds);
  const int32_t nanos = std::clamp<int32_t>(wire.nanos(), -999'999'999, 999'999'999);
  return std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos);
}

}  // namespace client
}  // namespace torchere
