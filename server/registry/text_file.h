// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace torchere {

// The content of a small text file. The errors' text is what is wrong with the
// file; it does not name it.
//
//   NOT_FOUND         no such file
//   INVALID_ARGUMENT  not a regular file, not readable, longer than `max_bytes`,
//                     or not UTF-8
absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t max_bytes);

// Whether a text has no control character but tabs, so that it stays on one
// line wherever it is shown.
bool IsOneLine(absl::string_view text);

}  // namespace torchere
