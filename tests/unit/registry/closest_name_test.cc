// SPDX-License-Identifier: Apache-2.0
#include "server/registry/closest_name.h"

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("ClosestName finds what a slip was meant to be", "[registry]") {
  const std::vector<std::string> names = {"name", "dtype", "shape", "labels", "labels_file"};
  CHECK(ClosestName("dtpye", names) == "dtype");
  CHECK(ClosestName("shap", names) == "shape");
  CHECK(ClosestName("shapes", names) == "shape");
  CHECK(ClosestName("SHAPE", names) == "shape");
  CHECK(ClosestName("label", names) == "labels");
  CHECK(ClosestName("label_file", names) == "labels_file");
}

TEST_CASE("ClosestName guesses nothing where nothing is close", "[registry]") {
  const std::vector<std::string> names = {"name", "dtype"};
  CHECK(ClosestName("batching", names).empty());
  CHECK(ClosestName("x", names).empty());
  CHECK(ClosestName("", names).empty());
  CHECK(ClosestName(std::string(1'000'000, 'x'), names).empty());
  CHECK(ClosestName("name", {}).empty());
}

}  // namespace
}  // namespace torchere
