// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "bench/grpc/tally.h"
#include "bench/grpc/target.h"

namespace torchere::bench {

// A closed loop over PredictStream: one call for each stub, the requests in flight shared out
// among them. Returns when all are answered.
void RunStreams(const Target& target, const std::vector<std::unique_ptr<grpc::GenericStub>>& stubs,
                int concurrency, const Window& window, Tally& tally);

}  // namespace torchere::bench
