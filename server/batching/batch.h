// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "server/request/request.h"

namespace torchere {

// Requests of one model version that run together; so far always one.
struct Batch {
  std::vector<Request> requests;

  bool empty() const { return requests.empty(); }
};

}  // namespace torchere
