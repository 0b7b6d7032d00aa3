// SPDX-License-Identifier: Apache-2.0
#include "server/request/tensor.h"

#include "tests/support/catch.h"

namespace torchere {
namespace {

constexpr int64_t kHuge = int64_t{1} << 62;

TEST_CASE("ByteSize is the product of the shape and the item's size", "[request]") {
  CHECK(ByteSize(DType::kFp32, {2, 3}) == 24);
  CHECK(ByteSize(DType::kBool, {5}) == 5);
  CHECK(ByteSize(DType::kFp64, {}) == 8);
  CHECK(ByteSize(DType::kInt16, {4, 0, 7}) == 0);
}

TEST_CASE("ByteSize takes what just fits int64", "[request]") {
  CHECK(ByteSize(DType::kUint8, {INT64_MAX}) == INT64_MAX);
  CHECK(ByteSize(DType::kInt16, {INT64_MAX}) == std::nullopt);
  CHECK(ByteSize(DType::kUint8, {kHuge, 1}) == kHuge);
  CHECK(ByteSize(DType::kUint8, {kHuge, 2}) == std::nullopt);
}

TEST_CASE("ByteSize refuses a shape alike wherever its zero stands", "[request]") {
  CHECK(ByteSize(DType::kFp32, {0, kHuge, kHuge}) == std::nullopt);
  CHECK(ByteSize(DType::kFp32, {kHuge, kHuge, 0}) == std::nullopt);
  CHECK(ByteSize(DType::kFp32, {0, -1}) == std::nullopt);
  CHECK(ByteSize(DType::kFp32, {-1, 0}) == std::nullopt);
  CHECK(ByteSize(DType::kFp32, {INT64_MIN}) == std::nullopt);
  CHECK(ByteSize(DType::kFp32, {-2, -2}) == std::nullopt);
}

TEST_CASE("ShapeText writes a shape as Python does, and any for a free dimension", "[request]") {
  CHECK(ShapeText({}) == "[]");
  CHECK(ShapeText({3}) == "[3]");
  CHECK(ShapeText({-1, 1, 8, 8}) == "[any, 1, 8, 8]");
  CHECK(ShapeText({0, -2}) == "[0, -2]");
}

}  // namespace
}  // namespace torchere
