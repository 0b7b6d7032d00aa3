// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/value_distance.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace torchere {
namespace {

// What rounding in another order may do to a number of about 1.
double Tolerance(DType dtype) {
  switch (dtype) {
    case DType::kFp16:
    case DType::kBf16:
      return 3e-2;
    case DType::kFp32:
      return 1e-4;
    case DType::kFp64:
      return 1e-9;
    default:
      return 0.5;
  }
}

template <typename T>
T Load(const char* item) {
  T value;
  std::memcpy(&value, item, sizeof value);
  return value;
}

double FromHalf(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const double fraction = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

double Number(DType dtype, const char* item) {
  switch (dtype) {
    case DType::kFp16:
      return FromHalf(Load<uint16_t>(item));
    case DType::kBf16:
      return std::bit_cast<float>(static_cast<uint32_t>(Load<uint16_t>(item)) << 16);
    case DType::kFp32:
      return Load<float>(item);
    case DType::kFp64:
      return Load<double>(item);
    case DType::kInt64:
      return static_cast<double>(Load<int64_t>(item));
    case DType::kInt32:
      return Load<int32_t>(item);
    case DType::kInt16:
      return Load<int16_t>(item);
    case DType::kInt8:
      return Load<int8_t>(item);
    default:
      return Load<uint8_t>(item);
  }
}

double Difference(double a, double b, double tolerance) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double difference = std::abs(a - b) / (tolerance * std::max(1.0, std::abs(a)));
  return std::isnan(difference) ? HUGE_VAL : difference;
}

std::optional<double> TensorDistance(const Tensor& a, const Tensor& b) {
  if (a.dtype != b.dtype || a.shape != b.shape) return std::nullopt;
  const std::string a_bytes = a.data.ToString(), b_bytes = b.data.ToString();
  const auto item = static_cast<size_t>(ItemSize(a.dtype));
  double largest = 0;
  for (size_t i = 0; i < a_bytes.size(); i += item) {
    largest = std::max(largest, Difference(Number(a.dtype, &a_bytes[i]),
                                           Number(a.dtype, &b_bytes[i]), Tolerance(a.dtype)));
  }
  return largest;
}

// The largest of the distances between a's and b's elements, which are as many.
template <typename Elements, typename ValueOf>
std::optional<double> Largest(const Elements& a, const Elements& b, ValueOf value_of) {
  if (a.size() != b.size()) return std::nullopt;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto distance = Distance(value_of(a[i]), value_of(b[i]));
    if (!distance) return std::nullopt;
    largest = std::max(largest, *distance);
  }
  return largest;
}

}  // namespace

std::optional<double> Distance(const Value& a, const Value& b) {
  if (a.kind.index() != b.kind.index()) return std::nullopt;
  if (const auto* tensor = std::get_if<Tensor>(&a.kind)) {
    return TensorDistance(*tensor, std::get<Tensor>(b.kind));
  }
  if (const auto* list = std::get_if<List>(&a.kind)) {
    return Largest(*list, std::get<List>(b.kind), [](const Value& v) -> const Value& { return v; });
  }
  if (const auto* map = std::get_if<Map>(&a.kind)) {
    return Largest(*map, std::get<Map>(b.kind),
                   [](const MapEntry& entry) -> const Value& { return entry.value; });
  }
  if (const auto* real = std::get_if<double>(&a.kind)) {
    return Difference(*real, std::get<double>(b.kind), Tolerance(DType::kFp32));
  }
  bool same = true;
  if (const auto* text = std::get_if<std::string>(&a.kind)) {
    same = *text == std::get<std::string>(b.kind);
  } else if (const auto* number = std::get_if<int64_t>(&a.kind)) {
    same = *number == std::get<int64_t>(b.kind);
  } else if (const auto* truth = std::get_if<bool>(&a.kind)) {
    same = *truth == std::get<bool>(b.kind);
  }
  return same ? std::make_optional(0.0) : std::nullopt;
}

}  // namespace torchere
