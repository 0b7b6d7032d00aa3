// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/request/bytes.h"
#include "server/request/response.h"

namespace torchere {

// A PredictStreamRequest, with `predict` still in its bytes.
struct StreamMessage {
  uint64_t id = 0;
  // What is wrong with it, for its id alone; the rest says nothing then.
  absl::Status error = {};
  // Whether the request of that id is to be cancelled.
  bool is_cancel = false;
  // Else a serialised PredictRequest, which shares the message's bytes.
  Bytes predict = {};
  // Not positive where no time is left; Duration::max() where none is set, or
  // it is longer than a year.
  Duration timeout = Duration::max();
};

// Accepts nothing that protobuf refuses; refuses besides a oneof set twice or
// not at all (MALFORMED_MESSAGE, in `error`) and a Duration that is none
// (INVALID_VALUE, in `error`).
//
//   INVALID_ARGUMENT  MALFORMED_MESSAGE: so that not even its id can be trusted
absl::StatusOr<StreamMessage> DecodeStreamMessage(const Bytes& wire);

// Write a PredictStreamResponse. Large tensors share their bytes with the result.
Bytes EncodeStreamResponse(uint64_t id, const Response& response);
Bytes EncodeStreamError(uint64_t id, const absl::Status& error);

}  // namespace torchere
