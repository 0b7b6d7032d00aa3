// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/backend/backend.h"
#include "server/base/clock.h"
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
  // UNAVAILABLE where the device is lost.
  absl::Status device = {};
};

// Runs the batch's requests: together, and where that fails one by one, so that
// a bad request fails alone; where memory ran out in halves, before that. On a
// worker's thread.
BatchOutcome RunBatch(Batch& batch, LoadedModel& model, WorkerContext& context, Observer& observer);

// The same on an asynchronous device, in three steps. The first gives it the
// batch, on a worker's thread.
absl::StatusOr<BegunRun> BeginBatch(const Batch& batch, LoadedModel& model, WorkerContext& context,
                                    Staging& staging);

// Where that failed: runs it again, as RunBatch does, and waits for the device.
BatchOutcome RunAgain(Batch& batch, const absl::Status& why, LoadedModel& model,
                      WorkerContext& context, Observer& observer);

// Else waits for its end; it was given to the device at `started`. On any thread.
BatchOutcome EndBatch(Batch& batch, BegunRun run, Time started, Observer& observer);

// Answers a request that was not run because its time had passed.
void AnswerDead(Request request);

// Why a version gets no requests of which a run hangs on the device: UNAVAILABLE,
// MODEL_HANGS.
absl::Status ModelHangs(const Device& device);
absl::Status WorkersHang(const Device& device);

// Answers a request that waited for what does not come: the device is lost, or a
// run of its model hangs.
void AnswerUnavailable(Request request, const absl::Status& why);

}  // namespace torchere
