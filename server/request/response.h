// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "server/base/clock.h"
#include "server/request/model_ref.h"
#include "server/request/ticket.h"
#include "server/request/value.h"

namespace torchere {

// Where a request's time went: api.md, `Timing`.
struct Timing {
  Duration queue{};
  Duration compute{};
  Duration total{};
  // 0 where it ran unbatched.
  int64_t batch_rows = 0;
};

// What a model answered. It holds the request's ModelRef and Ticket, so that
// they are given back when the answer has left the server.
struct Response {
  ServedModel model = {};
  NamedValues outputs = {};
  Timing timing = {};
  std::string request_id = {};
  ModelRef model_ref = {};
  Ticket ticket = {};
};

}  // namespace torchere
