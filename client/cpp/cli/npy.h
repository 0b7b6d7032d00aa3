// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "torchere/tensor.h"

namespace torchere::cli {

// NumPy's .npy files. Format: numpy.lib.format, versions 1.0, 2.0 and 3.0.
//
// Items: bool, uint8, int8 to int64, float16 to float64, of either byte order;
// of Fortran or C order; the tensor is little-endian and in C order. bfloat16
// has no dtype of NumPy's own.

// The tensor that `bytes`, a whole file, holds.
//
//   INVALID_ARGUMENT  not such a file, an unknown version or dtype, a size that
//                     is not its shape's
absl::StatusOr<Tensor> ParseNpy(std::string_view bytes);

// A file of version 1.0.
//
//   INVALID_ARGUMENT  BF16, or a shape too long for the header
absl::StatusOr<std::string> FormatNpy(const Tensor& tensor);

//   INVALID_ARGUMENT  as ParseNpy; the message begins with the path
//   NOT_FOUND         no such file, or it cannot be read
absl::StatusOr<Tensor> LoadNpy(const std::string& path);

//   INVALID_ARGUMENT  as FormatNpy
//   UNKNOWN           the file cannot be written
absl::Status SaveNpy(const std::string& path, const Tensor& tensor);

}  // namespace torchere::cli
