// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "server/request/ticket.h"

namespace torchere {

struct GateLimits {
  int64_t max_requests_in_flight = 4096;
  int64_t max_bytes_in_flight = int64_t{1} << 30;
};

// The server's door: how many requests, and how many bytes of them, may be
// inside at a time. Thread-safe; must outlive its tickets.
class Gate : public TicketOffice {
 public:
  explicit Gate(GateLimits limits) : limits_(limits) {}

  // Lets one request of `bytes` in; more than the whole limit counts as that.
  //
  //   RESOURCE_EXHAUSTED  SERVER_FULL, with the limit and when to try again
  absl::StatusOr<Ticket> Enter(int64_t bytes);

  absl::Status Exchange(int64_t from, int64_t to) override;
  void Return(int64_t bytes) override;

  int64_t requests_in_flight() const;
  int64_t bytes_in_flight() const;

 private:
  absl::Status CheckBytes(int64_t more) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const GateLimits limits_;
  mutable Mutex mutex_;
  int64_t requests_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace torchere
