// SPDX-License-Identifier: Apache-2.0
#include "server/request/item_bytes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace torchere {
namespace {

template <typename T>
std::string BytesOf(T item) {
  return {reinterpret_cast<const char*>(&item), sizeof item};
}

template <typename T>
std::optional<std::string> Whole(double number) {
  // As a double the greatest of INT64 is one too large.
  const double least = static_cast<double>(std::numeric_limits<T>::min());
  const double above = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (number < least || number >= above || number != std::trunc(number)) return std::nullopt;
  return BytesOf(static_cast<T>(number));
}

template <typename T>
std::optional<std::string> Real(double number) {
  const bool fits = std::isinf(number) || std::abs(number) <= std::numeric_limits<T>::max();
  if (!fits) return std::nullopt;
  return BytesOf(static_cast<T>(number));
}

// A real of 16 bits, `digits` of them behind the point: FP16, BF16.
std::optional<std::string> Short(double number, int digits, int bias) {
  const double size = std::abs(number);
  const uint32_t infinity = static_cast<uint32_t>(2 * bias + 1) << digits;
  uint32_t bits = infinity;
  if (!std::isinf(size)) {
    const int least = 1 - bias;
    const int exponent = size > 0 ? std::max(std::ilogb(size), least) : least;
    // The first digit, which is left out, is the exponent's last bit.
    const double units = std::nearbyint(std::ldexp(size, digits - exponent));
    if (exponent > bias) return std::nullopt;
    bits = (static_cast<uint32_t>(exponent + bias - 1) << digits) + static_cast<uint32_t>(units);
    if (bits >= infinity) return std::nullopt;
  }
  return BytesOf(static_cast<uint16_t>(bits | (std::signbit(number) ? 0x8000U : 0U)));
}

}  // namespace

std::optional<std::string> ItemBytes(DType dtype, double number) {
  switch (dtype) {
    case DType::kBool:
      return number == 0 || number == 1 ? Whole<uint8_t>(number) : std::nullopt;
    case DType::kUint8:
      return Whole<uint8_t>(number);
    case DType::kInt8:
      return Whole<int8_t>(number);
    case DType::kInt16:
      return Whole<int16_t>(number);
    case DType::kInt32:
      return Whole<int32_t>(number);
    case DType::kInt64:
      return Whole<int64_t>(number);
    case DType::kFp16:
      return Short(number, 10, 15);
    case DType::kBf16:
      return Short(number, 7, 127);
    case DType::kFp32:
      return Real<float>(number);
    case DType::kFp64:
      return Real<double>(number);
  }
  return std::nullopt;
}

}  // namespace torchere
