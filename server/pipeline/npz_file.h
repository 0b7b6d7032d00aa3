// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/request/value.h"

namespace torchere {

// Reads the arrays of a .npz file, as numpy.savez and numpy.savez_compressed
// write it: an array's name is its key. Format: numpy.lib.format. Arrays are
// little-endian and in C order, of bool, uint8, int8 to int64 or float16 to
// float64; they take 256 MiB at most, unpacked.
//
//   NOT_FOUND         no such file
//   INVALID_ARGUMENT  not such a file; the message names file, array and problem
absl::StatusOr<NamedValues> ReadNpz(const std::string& path);

}  // namespace torchere
