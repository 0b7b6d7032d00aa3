// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/cli/options.h"
#include "torchere/model.h"
#include "torchere/value.h"

namespace torchere::cli {

struct SampleOptions {
  // Length of the first dimension where the signature leaves it free; else 1.
  std::optional<int64_t> rows = {};
  // Whole shapes of tensors, by name; else what the signature leaves free is 1.
  std::vector<Shape> shapes = {};
};

// Inputs that the method's signature allows: those `given`, and for each other
// argument without a default a made-up value, always the same: a tensor of its
// declared dtype and shape (floats from 0 to 1, integers 0, false), an int 1, a
// float 0.5, false, "text", None where the argument is optional.
//
//   INVALID_ARGUMENT  an argument that the signature does not say enough of: the
//                     text says what to give; rows or shapes that do not fit it
absl::StatusOr<std::vector<NamedValue>> SampleInputs(const MethodSignature& method,
                                                     std::vector<NamedValue> given,
                                                     const SampleOptions& options);

}  // namespace torchere::cli
