// SPDX-License-Identifier: Apache-2.0
#include "server/request/item_bytes.h"

#include <cmath>
#include <cstring>
#include <string>

#include "tests/support/catch.h"

namespace torchere {
namespace {

template <typename T>
T Item(DType dtype, double number) {
  const auto bytes = ItemBytes(dtype, number);
  REQUIRE(bytes.has_value());
  REQUIRE(bytes->size() == sizeof(T));
  T item;
  std::memcpy(&item, bytes->data(), sizeof item);
  return item;
}

bool IsNone(DType dtype, double number) { return !ItemBytes(dtype, number).has_value(); }

TEST_CASE("ItemBytes writes whole numbers, and refuses those that do not fit") {
  CHECK(Item<uint8_t>(DType::kBool, 1) == 1);
  CHECK(Item<uint8_t>(DType::kUint8, 255) == 255);
  CHECK(Item<int8_t>(DType::kInt8, -128) == -128);
  CHECK(Item<int16_t>(DType::kInt16, -2) == -2);
  CHECK(Item<int32_t>(DType::kInt32, 1e9) == 1'000'000'000);
  CHECK(Item<int64_t>(DType::kInt64, -9223372036854775808.0) == INT64_MIN);
  CHECK(IsNone(DType::kBool, 2));
  CHECK(IsNone(DType::kUint8, -1));
  CHECK(IsNone(DType::kUint8, 256));
  CHECK(IsNone(DType::kInt8, 128));
  CHECK(IsNone(DType::kInt64, 9223372036854775808.0));
  CHECK(IsNone(DType::kInt64, 0.5));
  CHECK(IsNone(DType::kInt32, -INFINITY));
}

TEST_CASE("ItemBytes writes reals, and refuses those that are too large") {
  CHECK(Item<float>(DType::kFp32, -1.5) == -1.5F);
  CHECK(Item<float>(DType::kFp32, -INFINITY) == -INFINITY);
  CHECK(Item<double>(DType::kFp64, 1e300) == 1e300);
  CHECK(IsNone(DType::kFp32, 1e300));
}

// The bits are those of numpy.float16 and ml_dtypes.bfloat16.
TEST_CASE("ItemBytes rounds reals of 16 bits as IEEE 754 does") {
  const auto half = [](double number) { return Item<uint16_t>(DType::kFp16, number); };
  CHECK(half(0) == 0x0000);
  CHECK(half(-0.0) == 0x8000);
  CHECK(half(1) == 0x3C00);
  CHECK(half(-2) == 0xC000);
  CHECK(half(1.0 / 3) == 0x3555);
  CHECK(half(2049) == 0x6800);
  CHECK(half(2051) == 0x6802);
  CHECK(half(65504) == 0x7BFF);
  CHECK(half(std::ldexp(1, -14)) == 0x0400);
  CHECK(half(std::ldexp(1, -24)) == 0x0001);
  CHECK(half(std::ldexp(1023.6, -24)) == 0x0400);
  CHECK(half(1e-9) == 0x0000);
  CHECK(half(-INFINITY) == 0xFC00);
  CHECK(IsNone(DType::kFp16, 65520));
  CHECK(IsNone(DType::kFp16, 1e9));

  const auto brain = [](double number) { return Item<uint16_t>(DType::kBf16, number); };
  CHECK(brain(1) == 0x3F80);
  CHECK(brain(-1.0 / 3) == 0xBEAB);
  CHECK(brain(1e9) == 0x4E6E);
  CHECK(brain(INFINITY) == 0x7F80);
  CHECK(IsNone(DType::kBf16, 1e39));
}

}  // namespace
}  // namespace torchere
