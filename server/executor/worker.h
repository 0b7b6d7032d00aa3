// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/backend/backend.h"
#include "server/batching/batch.h"
#include "server/observe/observer.h"

namespace torchere {

struct Answer {
  Reply reply;
  absl::StatusOr<Response> response;
};

struct BatchOutcome {
  // One for each request of the batch.
  std::vector<Answer> answers;
  // All ran together, as they were cut: the time it took is that of such a run.
  bool as_planned = true;
};

// Runs the batch's requests: together, and where that fails one by one, so that
// a bad request fails alone. On a worker's thread.
BatchOutcome RunBatch(Batch& batch, LoadedModel& model, WorkerContext& context, Observer& observer);

// Answers a request that was not run because its time had passed.
void AnswerDead(Request request);

}  // namespace torchere
