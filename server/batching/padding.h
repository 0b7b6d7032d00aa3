// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/request/request.h"
#include "server/request/signature.h"

namespace torchere {

// How requests of different lengths come to share runs: what MethodSignature::padding
// says is done to a request, once, before it is queued.

// A request's own length, and that of its run: the next bucket.
struct PaddedLength {
  int64_t own = 0;
  int64_t bucket = 0;
};

// The length of arguments that BindInputs has accepted, of a method that is padded.
//
//   INVALID_ARGUMENT  SHAPE_MISMATCH: longer than the last bucket, with rows of no
//                     items, or inputs or a mask of different lengths
absl::StatusOr<PaddedLength> LengthOf(const MethodSignature& method, const Arguments& arguments);

// Fills arguments of this length up to the bucket and makes the masks that were left
// out. The caller's bytes are copied only where short stretches are filled up.
void Pad(const MethodSignature& method, const PaddedLength& length, Arguments& arguments);

// Cuts the outputs of a padded run back to the request's own length. Those that are not
// there were not asked for.
//
//   INTERNAL  MODEL_FAILED: an output that does not have the bucket's length
absl::Status CutBack(const MethodSignature& method, const PaddedLength& length,
                     NamedValues& outputs);

// Pads a request, whose ticket then counts what that adds, and sees to it that its
// answer is cut back. Returns its bucket; 0, and does nothing, where its method is not
// padded.
//
//   INVALID_ARGUMENT    LengthOf's
//   RESOURCE_EXHAUSTED  Ticket::Resize's
absl::StatusOr<int64_t> PadRequest(Request& request);

}  // namespace torchere
