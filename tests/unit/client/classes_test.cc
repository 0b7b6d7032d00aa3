// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/classes.h"

#include <limits>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

const std::vector<std::string> kLabels = {"ant", "bee", "cat"};
constexpr Style kPlain{};
constexpr Style kBlocks{.colour = false, .blocks = true};

TEST_CASE("the classes of each row are ranked, best first", "[cli]") {
  const auto rows = RankClasses(*Tensor::Of<float>({2, 3}, {0.1f, 0.7f, 0.2f, 5, -1, 9}), kLabels,
                                /*top=*/2);
  REQUIRE(rows.has_value());
  REQUIRE(rows->size() == 2);
  CHECK(rows->at(0).probabilities);
  REQUIRE(rows->at(0).classes.size() == 2);
  CHECK(rows->at(0).classes[0].label == "bee");
  CHECK(rows->at(0).classes[1].label == "cat");
  CHECK_FALSE(rows->at(1).probabilities);
  CHECK(rows->at(1).classes[0].index == 2);
  CHECK(rows->at(1).highest == 9);
  CHECK(rows->at(1).lowest == -1);
}

TEST_CASE("equal scores stay in order and NaN comes last", "[cli]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto rows =
      RankClasses(*Tensor::Of<double>({2, 3}, {nan, 1, 1, nan, nan, nan}), kLabels, 3);
  REQUIRE(rows.has_value());
  CHECK(rows->at(0).classes[0].label == "bee");
  CHECK(rows->at(0).classes[2].label == "ant");
  CHECK_FALSE(rows->at(0).probabilities);
  CHECK(rows->at(1).classes[0].label == "ant");
}

TEST_CASE("scores of each dtype are ranked", "[cli]") {
  const Float16 low = Float16::From(0.25f);
  const Float16 high = Float16::From(0.5f);
  CHECK(RankClasses(*Tensor::Of<Float16>({3}, {low, high, low}), kLabels, 1)
            ->at(0)
            .classes[0]
            .score == 0.5);
  CHECK(RankClasses(*Tensor::Of<int8_t>({3}, {-3, -2, -4}), kLabels, 1)->at(0).classes[0].label ==
        "bee");
}

TEST_CASE("a tensor whose last dimension does not count the labels has no classes", "[cli]") {
  CHECK_FALSE(RankClasses(*Tensor::Of<float>({2}, {1, 2}), kLabels, 3));
  CHECK_FALSE(RankClasses(*Tensor::Of<float>({3, 1}, {1, 2, 3}), kLabels, 3));
  CHECK_FALSE(RankClasses(*Tensor::Of<float>({}, {1}), kLabels, 3));
  CHECK_FALSE(RankClasses(*Tensor::Of<float>({1, 0}, {}), {}, 3));
  CHECK(RankClasses(*Tensor::Of<float>({0, 3}, {}), kLabels, 3)->empty());
}

TEST_CASE("a bar is as long as its share", "[cli]") {
  CHECK(Bar(0.5, 8, kPlain) == "####");
  CHECK(Bar(1, 8, kPlain) == "########");
  CHECK(Bar(7, 8, kPlain) == "########");
  CHECK(Bar(0, 8, kPlain).empty());
  CHECK(Bar(-1, 8, kPlain).empty());
  CHECK(Bar(std::numeric_limits<double>::quiet_NaN(), 8, kPlain).empty());
  CHECK(Bar(0.5, 1, kBlocks) == "▌");
  CHECK(Bar(0.25, 5, kBlocks) == "█▎");
  CHECK(Bar(1, 2, kBlocks) == "██");
}

TEST_CASE("probabilities are shown in percent, other scores as they are", "[cli]") {
  const auto rows =
      RankClasses(*Tensor::Of<float>({2, 3}, {0.25f, 0.75f, 0, 2, 6, 10}), kLabels, 3);
  REQUIRE(rows.has_value());
  CHECK(RowText(rows->at(0), kPlain) ==
        "  bee  ########################          75.00 %\n"
        "  ant  ########                          25.00 %\n"
        "  cat                                     0.00 %\n");
  CHECK(RowText(rows->at(1), kPlain) ==
        "  cat  ################################  10\n"
        "  bee  ################                   6\n"
        "  ant                                     2\n");
}

}  // namespace
}  // namespace torchere::cli
