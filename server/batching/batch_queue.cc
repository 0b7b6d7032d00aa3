// SPDX-License-Identifier: Apache-2.0
#include "server/batching/batch_queue.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/request/error.h"

namespace torchere {
namespace {

constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);

bool IsDead(const Request& request, Time now) {
  return request.reply.abandoned() || request.context.deadline <= now;
}

}  // namespace

absl::Status BatchQueue::Push(Request& request, Time now) {
  if (request.context.deadline <= now) {
    return Refuse(absl::StatusCode::kDeadlineExceeded,
                  "the deadline had passed before the request could be queued",
                  {.reason = "DEADLINE_EXCEEDED"});
  }
  if (waiting_.size() >= limits_.max_queued_requests) {
    return Refuse(absl::StatusCode::kResourceExhausted,
                  absl::StrCat("the model's queue is full: ", waiting_.size(),
                               " requests wait already; try again later"),
                  {.reason = "QUEUE_FULL",
                   .metadata = {{"limit", absl::StrCat(limits_.max_queued_requests)}},
                   .retry_after = kRetryAfter});
  }
  waiting_.push_back(std::move(request));
  return absl::OkStatus();
}

Batch BatchQueue::Cut() {
  Batch batch;
  if (!waiting_.empty()) {
    batch.requests.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return batch;
}

std::vector<Request> BatchQueue::TakeDead(Time now) {
  const auto dead =
      std::stable_partition(waiting_.begin(), waiting_.end(),
                            [now](const Request& request) { return !IsDead(request, now); });
  std::vector<Request> taken(std::make_move_iterator(dead),
                             std::make_move_iterator(waiting_.end()));
  waiting_.erase(dead, waiting_.end());
  return taken;
}

}  // namespace torchere
