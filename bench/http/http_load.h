// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "bench/grpc/tally.h"

namespace torchere::bench {

// A closed loop over HTTP/1.1: `concurrency` connections to HOST:PORT, one request under way on
// each. Returns when all are answered; what has had no answer for 30 s is counted as an error.
// Errors are named "HTTP 503" by their status, "closed" and "no answer".
//
//   INVALID_ARGUMENT  not an IPv4 address and a port
//   UNAVAILABLE       no connection
absl::Status RunHttp(const std::string& address, const std::string& request, int concurrency,
                     const Window& window, Tally& tally);

}  // namespace torchere::bench
