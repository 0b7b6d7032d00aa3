// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/backend/backend.h"
#include "server/batching/batch.h"
#include "server/observe/observer.h"

namespace torchere {

// Runs the batch's requests and answers each. On a worker's thread.
void RunBatch(Batch batch, LoadedModel& model, WorkerContext& context, Observer& observer);

// Answers a request that was not run because its time had passed.
void AnswerDead(Request request);

}  // namespace torchere
