// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/value_distance.h"

#include <cmath>
#include <limits>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

Value Halves(DType dtype, uint16_t bits) {
  return {Tensor{dtype, {1}, Bytes(std::string(reinterpret_cast<const char*>(&bits), 2))}};
}

TEST_CASE("Distance is below 1 for what rounding may do, and above for more") {
  const Value one{FloatTensor({1})};
  CHECK(*Distance(one, one) == 0);
  CHECK(*Distance(one, {FloatTensor({1.00001F})}) < 1);
  CHECK(*Distance(one, {FloatTensor({1.001F})}) > 1);
  CHECK(*Distance({FloatTensor({1e6F})}, {FloatTensor({1e6F + 10})}) < 1);
  CHECK(*Distance({int64_t{3}}, {int64_t{3}}) == 0);
  CHECK(*Distance({1.0}, {1.1}) > 1);
}

TEST_CASE("Distance knows the numbers of half precision") {
  CHECK(*Distance(Halves(DType::kFp16, 0x3C00), Halves(DType::kFp16, 0x3C01)) < 1);
  CHECK(*Distance(Halves(DType::kFp16, 0x3C00), Halves(DType::kFp16, 0x4000)) == Approx(1 / 3e-2));
  CHECK(*Distance(Halves(DType::kBf16, 0x3F80), Halves(DType::kBf16, 0x4000)) == Approx(1 / 3e-2));
}

TEST_CASE("Distance takes infinities and what is no number for what they are") {
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(*Distance({FloatTensor({NAN})}, {FloatTensor({NAN})}) == 0);
  CHECK(*Distance({FloatTensor({inf})}, {FloatTensor({inf})}) == 0);
  CHECK(*Distance({FloatTensor({inf})}, {FloatTensor({1})}) > 1);
  CHECK(*Distance({FloatTensor({1})}, {FloatTensor({NAN})}) > 1);
}

TEST_CASE("Distance is none between outputs that differ in more than numbers") {
  CHECK_FALSE(Distance({FloatTensor({1})}, {FloatTensor({1, 2})}));
  CHECK_FALSE(Distance({std::string("a")}, {std::string("b")}));
  CHECK_FALSE(Distance({int64_t{1}}, {1.0}));
  CHECK_FALSE(Distance({List{{int64_t{1}}}}, {List{}}));
  CHECK_FALSE(Distance({List{{int64_t{1}}}}, {List{{int64_t{2}}}}));
}

}  // namespace
}  // namespace torchere
