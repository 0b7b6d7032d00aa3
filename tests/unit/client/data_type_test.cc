// SPDX-License-Identifier: Apache-2.0
#include "torchere/data_type.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"
#include "torchere/v1/value.pb.h"

namespace torchere {
namespace {

TEST_CASE("every dtype of the wire is known by its number and its name", "[client]") {
  for (int number = v1::DataType_MIN; number <= v1::DataType_MAX; ++number) {
    const auto dtype = DataTypeFromNumber(number);
    CAPTURE(number);
    REQUIRE(dtype.has_value() == (number != v1::DATA_TYPE_UNSPECIFIED));
    if (!dtype) continue;
    const std::string name = v1::DataType_Name(static_cast<v1::DataType>(number));
    CHECK("DATA_TYPE_" + DataTypeName(*dtype) == name);
    CHECK(DataTypeFromName(DataTypeName(*dtype)) == dtype);
  }
  CHECK_FALSE(DataTypeFromNumber(v1::DataType_MAX + 1));
  CHECK_FALSE(DataTypeFromNumber(-1));
  CHECK_FALSE(DataTypeFromName("fp32"));
}

TEST_CASE("every binary16 comes back from float with the same bits", "[client]") {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const Float16 half{static_cast<uint16_t>(bits)};
    const float number = half.ToFloat();
    const bool same = std::isnan(number) ? std::isnan(Float16::From(number).ToFloat())
                                         : Float16::From(number).bits == bits;
    if (!same) FAIL("bits " << bits);
  }
}

TEST_CASE("a float becomes the nearest binary16, ties to even", "[client]") {
  CHECK(Float16::From(1.0f).bits == 0x3c00);
  CHECK(Float16::From(-2.0f).bits == 0xc000);
  CHECK(Float16::From(0.1f).bits == 0x2e66);
  // Half way between 1 and the next, and between that and the one after.
  CHECK(Float16::From(1.0f + 0x1p-11f).bits == 0x3c00);
  CHECK(Float16::From(1.0f + 0x3p-11f).bits == 0x3c02);
  CHECK(Float16::From(65504.0f).bits == 0x7bff);
  CHECK(Float16::From(65519.0f).bits == 0x7bff);
  CHECK(Float16::From(65520.0f).bits == 0x7c00);
  CHECK(Float16::From(0x1p-24f).bits == 0x0001);
  CHECK(Float16::From(0x1p-25f).bits == 0x0000);
  CHECK(Float16::From(-0.0f).bits == 0x8000);
  CHECK(Float16::From(0x1.ffcp-15f).bits == 0x0400);
}

TEST_CASE("a float becomes the nearest bfloat16, ties to even", "[client]") {
  CHECK(BFloat16::From(1.0f).bits == 0x3f80);
  CHECK(BFloat16::From(1.0f + 0x1p-8f).bits == 0x3f80);
  CHECK(BFloat16::From(1.0f + 0x3p-8f).bits == 0x3f82);
  CHECK(BFloat16::From(-3.0f).ToFloat() == -3.0f);
  CHECK(std::isinf(BFloat16::From(std::numeric_limits<float>::max()).ToFloat()));
  CHECK(std::isnan(BFloat16::From(std::numeric_limits<float>::quiet_NaN()).ToFloat()));
}

}  // namespace
}  // namespace torchere
