// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/pipeline/pipeline.h"
#include "server/request/bytes.h"
#include "server/request/request.h"

namespace torchere {

// Sends a serialised PredictRequest on its way. `reply` answers, now or later:
// with what the pipeline says, or with what DecodePredict or Ticket::Resize
// refuses.
void SubmitPredict(Pipeline& pipeline, const Bytes& message, const Context& context, Ticket ticket,
                   Reply reply);

}  // namespace torchere
