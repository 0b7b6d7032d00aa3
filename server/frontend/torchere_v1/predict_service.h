// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/admission/gate.h"
#include "server/frontend/grpc/method.h"
#include "server/pipeline/pipeline.h"

namespace torchere {

// torchere.v1.PredictService: bytes to Request, Response to bytes. Adds its
// methods to the table; all arguments must outlive the table. Every request
// passes `gate`; a stream keeps a place of `stream_gate` besides, as long as it
// lasts.
void AddPredictService(Pipeline& pipeline, Gate& gate, Gate& stream_gate, MethodTable& methods);

}  // namespace torchere
