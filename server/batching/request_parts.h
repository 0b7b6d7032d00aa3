// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "server/request/request.h"

namespace torchere {

// Takes a request of more rows than one run may have apart, into requests of at
// most `max_rows` rows, in order. The last of them to be answered answers the
// whole, with all rows in order, or with the first error. Once one has failed
// the others are abandoned.
std::vector<Request> SplitRequest(Request request, int64_t max_rows);

}  // namespace torchere
