// SPDX-License-Identifier: Apache-2.0
#include "torchere/data_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace torchere {
inline namespace client {
namespace {

struct Row {
  DataType dtype;
  std::string_view name;
  int64_t bytes;
};

constexpr std::array<Row, 10> kRows = {{
    {DataType::kBool, "BOOL", 1},
    {DataType::kUint8, "UINT8", 1},
    {DataType::kInt8, "INT8", 1},
    {DataType::kInt16, "INT16", 2},
    {DataType::kInt32, "INT32", 4},
    {DataType::kInt64, "INT64", 8},
    {DataType::kFp16, "FP16", 2},
    {DataType::kBf16, "BF16", 2},
    {DataType::kFp32, "FP32", 4},
    {DataType::kFp64, "FP64", 8},
}};

const Row& RowOf(DataType dtype) { return kRows[static_cast<size_t>(dtype) - 1]; }

}  // namespace

std::string DataTypeName(DataType dtype) { return std::string(RowOf(dtype).name); }

std::optional<DataType> DataTypeFromName(std::string_view name) {
  const auto* row =
      std::find_if(kRows.begin(), kRows.end(), [name](const Row& r) { return r.name == name; });
  if (row == kRows.end()) return std::nullopt;
  return row->dtype;
}

std::optional<DataType> DataTypeFromNumber(int number) {
  if (number < 1 || number > static_cast<int>(kRows.size())) return std::nullopt;
  return static_cast<DataType>(number);
}

int64_t ItemBytes(DataType dtype) { return RowOf(dtype).bytes; }

Float16 Float16::From(float value) {
  const uint32_t all = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((all >> 16) & 0x8000u);
  const uint32_t magnitude = all & 0x7fffffffu;
  const auto with_sign = [sign](uint32_t unsigned_bits) {
    return Float16{static_cast<uint16_t>(sign | unsigned_bits)};
  };
  if (magnitude > 0x7f800000u) return with_sign(0x7e00u);
  // From 65520 on, half a step above the largest binary16.
  if (magnitude >= 0x477ff000u) return with_sign(0x7c00u);
  if (magnitude < 0x38800000u) {
    // Subnormal in binary16: a count of steps of 2^-24.
    const float steps = std::bit_cast<float>(magnitude) * 0x1p24f;
    return with_sign(static_cast<uint32_t>(std::nearbyint(steps)));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return with_sign((rounded - 0x38000000u) >> 13);
}

float Float16::ToFloat() const {
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t fraction = bits & 0x3ffu;
  float magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = std::bit_cast<float>(0x7f800000u | (fraction << 13));
  } else if (exponent == 0) {
    magnitude = static_cast<float>(fraction) * 0x1p-24f;
  } else {
    magnitude = std::bit_cast<float>(((exponent + 112) << 23) | (fraction << 13));
  }
  return std::copysign(magnitude, (bits & 0x8000u) != 0 ? -1.0f : 1.0f);
}

BFloat16 BFloat16::From(float value) {
  const uint32_t all = std::bit_cast<uint32_t>(value);
  // Rounding would make an infinity of some NaNs.
  if (std::isnan(value)) return {static_cast<uint16_t>((all >> 16) | 0x40u)};
  return {static_cast<uint16_t>((all + 0x7fffu + ((all >> 16) & 1u)) >> 16)};
}

float BFloat16::ToFloat() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace client
}  // namespace torchere
