// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace torchere {

// The SHA-256 of a file's bytes: "sha256:" and 64 hexadecimal digits, lower
// case. The file is read in pieces, however large it is.
//
//   NOT_FOUND         no such file
//   INVALID_ARGUMENT  not a regular file, or not readable
absl::StatusOr<std::string> FileDigest(const std::string& path);

}  // namespace torchere
