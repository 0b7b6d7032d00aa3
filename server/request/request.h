// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/base/clock.h"
#include "server/request/model_ref.h"
#include "server/request/reply.h"
#include "server/request/signature.h"
#include "server/request/ticket.h"
#include "server/request/value.h"

namespace torchere {

// Who asks, and until when.
struct Context {
  // Unique in this process; an INTERNAL error names it, and so does the log.
  uint64_t id = 0;
  Time arrived{};
  Time deadline = kNever;
};

// One call of one method of one model, on its way from the wire to the model.
struct Request {
  ModelSpec model;
  NamedValues inputs;
  // Outputs wanted, in order; empty means all.
  std::vector<std::string> outputs;
  // The caller's own name for it, echoed.
  std::string request_id;
  // The higher goes first.
  int32_t priority = 0;
  Context context;

  // Filled in by the pipeline once the version is known; `inputs` is empty then.
  ServedModel served;
  ModelRef model_ref;
  // Lives as long as model_ref is held.
  const MethodSignature* method = nullptr;
  Arguments arguments;
  // Rows of the arguments where the method is batched; 0 runs alone.
  int64_t rows = 0;

  Ticket ticket;
  Reply reply;
};

}  // namespace torchere
