// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/batching/batch.h"
#include "server/request/request.h"

namespace torchere {

struct BatchLimits {
  size_t max_queued_requests = 1024;
};

// The requests of one model version that wait to run on one device, and the
// rules by which they leave. Pure: time is an argument; no lock, no thread.
// DevicePool owns the lock and asks its queues when a worker is free.
class BatchQueue {
 public:
  explicit BatchQueue(BatchLimits limits) : limits_(limits) {}

  // Takes a request. On an error the request is left untouched, for the caller
  // to answer:
  //   RESOURCE_EXHAUSTED  QUEUE_FULL
  //   DEADLINE_EXCEEDED   its deadline has passed
  absl::Status Push(Request& request, Time now);

  // The next batch, oldest first; empty while nothing waits.
  Batch Cut();

  // What nobody waits for any more or is past its deadline, taken out at once.
  std::vector<Request> TakeDead(Time now);

  bool empty() const { return waiting_.empty(); }

 private:
  BatchLimits limits_;
  std::deque<Request> waiting_;
};

}  // namespace torchere
