// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"
#include "torchere/v1/error.pb.h"

namespace torchere {
inline namespace client {

// The status of a call that nobody here has cancelled: CANCELLED, which gRPC's servers
// answer to a call that comes as they begin to end, becomes UNAVAILABLE. What the trailer
// "grpc-status-details-bin" held becomes its payload, from which DetailsOf() reads.
absl::Status FromGrpc(const grpc::Status& status);

// An error from the body of an answer, with details that DetailsOf() reads; OK
// where its code is 0.
absl::Status FromMessage(const v1::Error& error);

}  // namespace client
}  // namespace torchere
