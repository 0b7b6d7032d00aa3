// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/status/statusor.h"
#include "client/cpp/cli/options.h"
#include "torchere/model.h"
#include "torchere/value.h"

namespace torchere::cli {

// The value of `--input NAME=VALUE`, as the type that the method declares for the
// argument. Where `method` is nullptr, or has no such argument, the value is read
// by its own looks, for the server to refuse.
//
// VALUE is JSON, as ValueReader takes it; "@FILE.npy" for a tensor; "@FILE.json"
// for the JSON of a file; and for a str the text itself, unless it is a JSON string.
//
//   INVALID_ARGUMENT  not JSON, not of that type, or a malformed file
//   NOT_FOUND         no such file
absl::StatusOr<NamedValue> ReadInput(const Assignment& input, const MethodSignature* method);

}  // namespace torchere::cli
