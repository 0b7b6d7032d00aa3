// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace torchere {

// Element type of a tensor. The numbers are those of torchere.v1.DataType.
enum class DType : uint8_t {
  kBool = 1,
  kUint8 = 2,
  kInt8 = 3,
  kInt16 = 4,
  kInt32 = 5,
  kInt64 = 6,
  kFp16 = 7,
  kBf16 = 8,
  kFp32 = 9,
  kFp64 = 10,
};

// Bytes of one item.
size_t ItemSize(DType dtype);

// UINT8 to INT64.
bool IsInteger(DType dtype);

// "FP32", "INT64", …
absl::string_view Name(DType dtype);

// The dtype of a name as Name gives it, or of a torchere.v1.DataType's number.
std::optional<DType> DTypeFromName(absl::string_view name);
std::optional<DType> DTypeFromNumber(uint64_t number);

// "BOOL, UINT8, …, FP64", for messages.
std::string KnownDTypes();

}  // namespace torchere
