// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/grpc/cpu_times.h"
#include "bench/grpc/tally.h"
#include "bench/grpc/target.h"

namespace torchere::bench {

using Seconds = std::chrono::duration<double>;

struct LoadOptions {
  // Closed loop: so many requests are always in flight.
  int concurrency = 1;
  // Open loop where above 0: requests a second, at random moments (Poisson), whatever comes back.
  double rate = 0;
  int connections = 1;
  // Closed loop over PredictStream, one call a connection.
  bool stream = false;
  // Runs before what is counted.
  Seconds warm_up{0.3};
  Seconds time{1};
  // Of the random moments.
  unsigned seed = 1;
  // Open loop: see afterwards how soon the server is itself again.
  bool recovery = false;
};

// What one run of load gave.
struct LoadResult {
  Tally tally;
  // What was spent in the counted time.
  CpuTimes cpu;
  // Open loop: requests due in the counted time, and how late this program began them.
  int64_t sent = 0;
  std::vector<float> late_us;
  // From the last request sent to the first of ten in a row, sent one at a time on a connection of
  // their own, that were each answered within 100 ms; nothing where that took over a minute.
  std::optional<double> recovery_s;
};

// Sends requests for warm_up + time and returns when all are answered. A closed loop counts what
// ends in the counted time; an open loop counts what is due in it, from the moment at which it is
// due, so that a slow server is not spared by a client that waits for it.
//
//   UNAVAILABLE  no connection
absl::StatusOr<LoadResult> RunLoad(const Target& target, const LoadOptions& options,
                                   const std::vector<int>& server_pids);

}  // namespace torchere::bench
