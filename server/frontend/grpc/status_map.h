// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace torchere {

// The only place where a Status becomes gRPC's: the code, the text cut at 1 KiB
// (longer ones break clients: the limit on metadata), and as details a
// google.rpc.Status with ErrorInfo {reason, domain "torchere", metadata} and,
// where a retry makes sense, RetryInfo.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace torchere
