// SPDX-License-Identifier: Apache-2.0
#include "server/request/dtype.h"

#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

struct Known {
  uint64_t number;
  DType dtype;
  const char* name;
  size_t item_size;
};

// As the .proto gives them.
const std::vector<Known> kKnown = {{1, DType::kBool, "BOOL", 1},   {2, DType::kUint8, "UINT8", 1},
                                   {3, DType::kInt8, "INT8", 1},   {4, DType::kInt16, "INT16", 2},
                                   {5, DType::kInt32, "INT32", 4}, {6, DType::kInt64, "INT64", 8},
                                   {7, DType::kFp16, "FP16", 2},   {8, DType::kBf16, "BF16", 2},
                                   {9, DType::kFp32, "FP32", 4},   {10, DType::kFp64, "FP64", 8}};

TEST_CASE("DType has the number, the name and the item size of the wire's DataType", "[request]") {
  for (const Known& known : kKnown) {
    CHECK(DTypeFromNumber(known.number) == known.dtype);
    CHECK(DTypeFromName(known.name) == known.dtype);
    CHECK(Name(known.dtype) == known.name);
    CHECK(ItemSize(known.dtype) == known.item_size);
  }
}

TEST_CASE("DTypeFromNumber knows no other number", "[request]") {
  CHECK_FALSE(DTypeFromNumber(0).has_value());
  CHECK_FALSE(DTypeFromNumber(11).has_value());
  CHECK_FALSE(DTypeFromNumber(256 + 9).has_value());
  CHECK_FALSE(DTypeFromNumber(UINT64_MAX).has_value());
}

TEST_CASE("DTypeFromName knows no other name", "[request]") {
  for (const char* name : {"", "fp32", "FP", "FP32 ", "float32", "DATA_TYPE_FP32"}) {
    CHECK_FALSE(DTypeFromName(name).has_value());
  }
}

TEST_CASE("KnownDTypes lists all names", "[request]") {
  CHECK(KnownDTypes() == "BOOL, UINT8, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64");
}

}  // namespace
}  // namespace torchere
