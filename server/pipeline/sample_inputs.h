// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "absl/status/statusor.h"
#include "server/request/signature.h"

namespace torchere {

// Arguments of `rows` rows for a method, made from what is declared of its inputs:
// random numbers (integers of the declared range, or 0 and 1), a free dimension that is not the
// first of length 3, defaults left out; padded where the method's requests are.
//
//   FAILED_PRECONDITION  an input of which too little is declared; the message
//                        says what is missing
absl::StatusOr<Arguments> SampleInputs(const MethodSignature& method, int64_t rows,
                                       std::mt19937& random);

// `rows` rows of `given`, the arguments of sample requests, which have rows: those
// that can stack with the first, from the beginning again where they end.
Arguments RepeatRows(const std::vector<Arguments>& given, int64_t rows);

// How many different rows RepeatRows has before it begins again; `most` if there
// are more.
int64_t CountDifferentRows(const std::vector<Arguments>& given, int64_t most);

// Whether requests could be told apart by rows: every tensor among the inputs
// is declared with a free first dimension.
bool HasFreeRows(const MethodSignature& method);

// The same with samples, which stand in for what is not declared.
bool HasFreeRows(const MethodSignature& method, const std::vector<Arguments>& given);

}  // namespace torchere
