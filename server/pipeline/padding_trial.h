// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/backend/backend.h"
#include "server/base/clock.h"
#include "server/request/signature.h"

namespace torchere {

// The lengths that a method's runs may have: its buckets, or 0, which stands for any,
// where it is not padded.
std::vector<int64_t> RunLengths(const MethodSignature& method);

// The method as its runs of one length see it: the inputs that are padded, and the masks,
// which are always there, are declared to have this length, which is its only bucket.
// With 0 the method as it is.
MethodSignature AtLength(const MethodSignature& method, int64_t length);

// Of `given`, the arguments of sample requests of `method`, those with rows that fit into
// a run of this length, padded to it.
std::vector<Arguments> SamplesAt(const MethodSignature& method, int64_t length,
                                 const std::vector<Arguments>& given);

// Runs for each bucket a request that is shorter, given or else made up, padded and not
// padded, and tells in a sentence how far the answers are apart. On a worker's thread;
// begins no run after `until`.
std::string TryPadding(const MethodSignature& method, LoadedModel& model, WorkerContext& context,
                       Time until, const std::vector<Arguments>& given);

}  // namespace torchere
