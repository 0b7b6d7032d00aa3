// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/value_text.h"

#include <numeric>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

TEST_CASE("a tensor is shown with dtype, shape and rows", "[cli]") {
  CHECK(ValueText(*Tensor::Of<float>({2}, {0.5f, 1e-8f})) == "FP32 [2]  [0.5, 1e-08]");
  CHECK(ValueText(*Tensor::Of<int64_t>({}, {7})) == "INT64 []  7");
  CHECK(ValueText(*Tensor::Of<bool>({1}, {true})) == "BOOL [1]  [true]");
  CHECK(ValueText(*Tensor::Of<int8_t>({2, 0}, {})) == "INT8 [2, 0]  no items");
  CHECK(ValueText(*Tensor::Of<uint8_t>({2, 1, 2}, {1, 2, 3, 4}), "  ") ==
        "UINT8 [2, 1, 2]\n  [0, 0] [1, 2]\n  [1, 0] [3, 4]");
}

TEST_CASE("a long tensor is cut, and the text says so", "[cli]") {
  std::vector<int32_t> items(20 * 20);
  std::iota(items.begin(), items.end(), 0);
  const std::string text =
      ValueText(*Tensor::Of<int32_t>({20, 20}, std::span<const int32_t>(items)));
  CHECK_THAT(text, Catch::Contains("[0] [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "
                                   "… 20 items]"));
  CHECK_THAT(text, Catch::EndsWith("… 4 more rows; --output=json shows all"));
}

TEST_CASE("other values are shown as JSON, nested ones line by line", "[cli]") {
  CHECK(ValueText("a\x1b") == "\"a\\u001b\"");
  CHECK(ValueText(nullptr) == "null");
  CHECK(ValueText(List{1, "a", 0.5}) == "[1,\"a\",0.5]");
  CHECK(ValueText(List{}) == "[]");
  CHECK(ValueText(Map{{.key = "a", .value = List{List{1}, 2}}, {.key = 7, .value = 1}}, "  ") ==
        "2 entries\n"
        "  a: 2 items\n"
        "    - [1]\n"
        "    - 2\n"
        "  7: 1");
}

TEST_CASE("a long list is cut, and the text says so", "[cli]") {
  CHECK_THAT(ValueText(List(1000, 1)), Catch::EndsWith("… 1000 items"));
}

}  // namespace
}  // namespace torchere::cli
