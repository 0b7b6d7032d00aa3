// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/time.h"

#include "absl/time/time.h"

namespace torchere::cli {

std::string TimestampText(std::chrono::system_clock::time_point time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromChrono(time), absl::UTCTimeZone());
}

}  // namespace torchere::cli
