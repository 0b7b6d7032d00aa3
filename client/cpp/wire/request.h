// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "torchere/client.h"

namespace torchere {
inline namespace client {

// The bytes of EncodePredict's message, inputs in another order. Those of large
// tensors are the tensors' own, which they hold on to, not copies.
//
//   INVALID_ARGUMENT  more than the 2 GiB - 1 that a message holds
absl::StatusOr<grpc::ByteBuffer> SerializePredict(const PredictCall& call);

}  // namespace client
}  // namespace torchere
