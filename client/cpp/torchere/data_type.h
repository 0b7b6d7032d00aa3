// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace torchere {
inline namespace client {

// Element type of a tensor. The numbers are those of torchere.v1.DataType.
enum class DataType : int {
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

// "FP32", "INT64", …: the wire's names without "DATA_TYPE_".
std::string DataTypeName(DataType dtype);

// The dtype of a name as DataTypeName gives it.
std::optional<DataType> DataTypeFromName(std::string_view name);

// The dtype of a torchere.v1.DataType's number; nothing for one that is not known.
std::optional<DataType> DataTypeFromNumber(int number);

// Bytes of one item: 1, 2, 4 or 8.
int64_t ItemBytes(DataType dtype);

// IEEE 754 binary16, as its bits.
struct Float16 {
  uint16_t bits = 0;

  // Rounds to the nearest, ties to even; what is too large becomes infinite.
  static Float16 From(float value);
  // Exact.
  float ToFloat() const;
};

// bfloat16, the upper half of a binary32, as its bits.
struct BFloat16 {
  uint16_t bits = 0;

  // Rounds to the nearest, ties to even.
  static BFloat16 From(float value);
  // Exact.
  float ToFloat() const;
};

// The dtype whose items a C++ type holds.
template <typename T>
struct DataTypeOf;
template <>
struct DataTypeOf<bool> {
  static constexpr DataType kValue = DataType::kBool;
};
template <>
struct DataTypeOf<uint8_t> {
  static constexpr DataType kValue = DataType::kUint8;
};
template <>
struct DataTypeOf<int8_t> {
  static constexpr DataType kValue = DataType::kInt8;
};
template <>
struct DataTypeOf<int16_t> {
  static constexpr DataType kValue = DataType::kInt16;
};
template <>
struct DataTypeOf<int32_t> {
  static constexpr DataType kValue = DataType::kInt32;
};
template <>
struct DataTypeOf<int64_t> {
  static constexpr DataType kValue = DataType::kInt64;
};
template <>
struct DataTypeOf<Float16> {
  static constexpr DataType kValue = DataType::kFp16;
};
template <>
struct DataTypeOf<BFloat16> {
  static constexpr DataType kValue = DataType::kBf16;
};
template <>
struct DataTypeOf<float> {
  static constexpr DataType kValue = DataType::kFp32;
};
template <>
struct DataTypeOf<double> {
  static constexpr DataType kValue = DataType::kFp64;
};

// A C++ type that a tensor's items can be read as.
template <typename T>
concept TensorItem = requires { DataTypeOf<T>::kValue; };

}  // namespace client
}  // namespace torchere
