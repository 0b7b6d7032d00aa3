// SPDX-License-Identifier: Apache-2.0
#include "torchere/value.h"

#include <type_traits>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("a value takes its kind from what it is made of", "[client]") {
  CHECK(Value().Is<Null>());
  CHECK(Value(nullptr).Is<Null>());
  CHECK(*Value(3).If<int64_t>() == 3);
  CHECK(*Value(uint8_t{3}).If<int64_t>() == 3);
  CHECK(*Value(0.5f).If<double>() == 0.5);
  CHECK(*Value(true).If<bool>());
  CHECK(*Value("text").If<std::string>() == "text");
  CHECK(*Value(std::string_view("text")).If<std::string>() == "text");
  CHECK(Value(Tensor()).Is<Tensor>());
  CHECK(Value(List{1, "a"}).If<List>()->size() == 2);
  CHECK(Value(Map{{.key = "a", .value = 1}}).If<Map>()->size() == 1);
  CHECK(Value(3).If<double>() == nullptr);
  CHECK(Value(3).KindName() == "int");
}

TEST_CASE("a pointer does not become a bool", "[client]") {
  CHECK_FALSE(std::is_constructible_v<Value, int*>);
  CHECK_FALSE(std::is_constructible_v<Value, const Value*>);
  CHECK(std::is_constructible_v<Value, char*>);
}

}  // namespace
}  // namespace torchere
