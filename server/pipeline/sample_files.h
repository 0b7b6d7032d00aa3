// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/request/signature.h"

namespace torchere {

// The arguments of sample requests, by method.
using MethodSamples = std::map<const MethodSignature*, std::vector<Arguments>>;

// Reads files of sample inputs (ReadNpz). Each is a sample of every method that
// takes its inputs; an array without dimensions stands for an int (int64), a float
// (float64) or a bool where the method takes one. `signature` must outlive the
// result.
//
//   INVALID_ARGUMENT, NOT_FOUND  ReadNpz's, or a sample of no method; the message
//                                names the file
absl::StatusOr<MethodSamples> ReadSamples(const std::vector<std::string>& files,
                                          const Signature& signature);

}  // namespace torchere
