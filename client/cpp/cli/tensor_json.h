// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "client/cpp/cli/json.h"
#include "torchere/tensor.h"

namespace torchere::cli {

// Tensors as JSON: {"dtype": "FP32", "shape": [2, 2], "data": [[1, 2], [3, 4]]},
// where `data` is nested as the shape says, a bare item for a scalar. A float that
// JSON cannot write is the string "NaN", "Infinity" or "-Infinity"; the others
// have as few digits as read back to the same item.
Json TensorToJson(const Tensor& tensor);

// From what TensorToJson gives ("dtype" and "shape" may be left out), or from its
// `data` alone. Without `declared` and "dtype" the dtype is INT64 for integers
// alone, BOOL for true and false alone, else FP32.
//
//   INVALID_ARGUMENT  rows of unequal length, an item that is none of the dtype
//                     or does not fit it, "shape" or "dtype" that contradict
absl::StatusOr<Tensor> TensorFromJson(const Json& json, std::optional<DataType> declared);

// The double whose shortest text is the float's: 0.1 for 0.1f.
double ShortestAsDouble(float item);

// A number as JSON, with the strings that TensorToJson uses.
Json NumberToJson(double number);

// The number of a JSON number or of one of those strings.
std::optional<double> NumberFromJson(const Json& json);

}  // namespace torchere::cli
