// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "torchere/data_type.h"

namespace torchere::cli {

// Calls visit(std::type_identity<T>()) with the C++ type T of the dtype's items.
template <typename Visit>
auto WithItemType(DataType dtype, Visit&& visit) {
  switch (dtype) {
    case DataType::kBool:
      return visit(std::type_identity<bool>());
    case DataType::kUint8:
      return visit(std::type_identity<uint8_t>());
    case DataType::kInt8:
      return visit(std::type_identity<int8_t>());
    case DataType::kInt16:
      return visit(std::type_identity<int16_t>());
    case DataType::kInt32:
      return visit(std::type_identity<int32_t>());
    case DataType::kInt64:
      return visit(std::type_identity<int64_t>());
    case DataType::kFp16:
      return visit(std::type_identity<Float16>());
    case DataType::kBf16:
      return visit(std::type_identity<BFloat16>());
    case DataType::kFp32:
      return visit(std::type_identity<float>());
    case DataType::kFp64:
      break;
  }
  return visit(std::type_identity<double>());
}

// The two that C++ has no arithmetic for.
template <typename T>
concept HalfItem = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

// An item as a double, exactly but for INT64 above 2^53.
template <TensorItem T>
double ItemAsDouble(T item) {
  if constexpr (HalfItem<T>) {
    return item.ToFloat();
  } else {
    return static_cast<double>(item);
  }
}

}  // namespace torchere::cli
