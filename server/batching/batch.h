// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "server/base/clock.h"
#include "server/request/request.h"

namespace torchere {

// Requests of one method that run together.
struct Batch {
  std::vector<Request> requests;
  // Rows of all requests, and of the run: more where it is padded to a bucket.
  // Both are 0 for a request that has no rows and runs alone.
  int64_t rows = 0;
  int64_t run_rows = 0;
  // Each run has run_rows rows, also that of one of the requests alone.
  bool invariant = false;
  // How long the run will take by the cost curve; zero where that is not known.
  Duration expected{};
  // What was met while cutting and is not to be run: its time has passed.
  std::vector<Request> dead;

  bool empty() const { return requests.empty(); }
};

}  // namespace torchere
