// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/type.h"

#include <string>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

using Kind = Type::Kind;

TEST_CASE("Type reads each simple type", "[cli]") {
  const auto [text, kind] = GENERATE(table<std::string, Kind>({{"Tensor", Kind::kTensor},
                                                               {"str", Kind::kText},
                                                               {"int", Kind::kInt},
                                                               {"float", Kind::kFloat},
                                                               {"bool", Kind::kBool},
                                                               {"number", Kind::kNumber},
                                                               {"None", Kind::kNone},
                                                               {"NoneType", Kind::kNone},
                                                               {"Any", Kind::kOther},
                                                               {"__torch__.a.B", Kind::kOther}}));
  const auto type = Type::Parse(text);
  REQUIRE(type.ok());
  CHECK(type->kind() == kind);
  CHECK(type->text() == text);
}

TEST_CASE("Type reads nested types", "[cli]") {
  const auto type = Type::Parse(" Dict[str,Optional[ List[Tuple[int, Tensor]] ]] ");
  REQUIRE(type.ok());
  CHECK(type->text() == "Dict[str, Optional[List[Tuple[int, Tensor]]]]");
  CHECK(type->kind() == Kind::kDict);
  const Type& optional = type->elements()[1];
  CHECK(optional.kind() == Kind::kOptional);
  const Type& tuple = optional.elements()[0].elements()[0];
  CHECK(tuple.kind() == Kind::kTuple);
  CHECK(tuple.elements()[1].kind() == Kind::kTensor);
}

TEST_CASE("Type reads a NamedTuple with its fields", "[cli]") {
  const auto type = Type::Parse("List[Ranking(scores: Tensor, names: List[str])]");
  REQUIRE(type.ok());
  const Type& ranking = type->elements()[0];
  CHECK(ranking.kind() == Kind::kNamedTuple);
  CHECK(ranking.fields() == std::vector<std::string>{"scores", "names"});
  CHECK(ranking.elements()[1].kind() == Kind::kList);
  CHECK(type->text() == "List[Ranking(scores: Tensor, names: List[str])]");
  CHECK(Type::Parse("Empty()")->elements().empty());
}

TEST_CASE("Type reads the tuple of nothing, unions and unknown generics", "[cli]") {
  CHECK(Type::Parse("Tuple[()]")->kind() == Kind::kTuple);
  CHECK(Type::Parse("Tuple[()]")->elements().empty());
  CHECK(Type::Parse("Union[int, str]")->elements().size() == 2);
  CHECK(Type::Parse("Future[Tensor]")->kind() == Kind::kOther);
}

TEST_CASE("Type refuses what is no type, and says where", "[cli]") {
  const auto [text, place] =
      GENERATE(table<std::string, std::string>({{"", "position 1"},
                                                {"List[int", "position 9"},
                                                {"List[int]]", "position 10"},
                                                {"List[,]", "position 6"},
                                                {"List[int, str]", "List has 1 elements, got 2"},
                                                {"Dict[str]", "Dict has 2 elements, got 1"},
                                                {"Optional[]", "Optional has 1 elements, got 0"},
                                                {"A(x Tensor)", "position 5"},
                                                {"A(x: Tensor", "position 12"},
                                                {"Tuple[(]", "position 8"},
                                                {"int?", "position 4"}}));
  CAPTURE(text);
  const absl::Status status = Type::Parse(text).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains(place));
}

TEST_CASE("Type refuses nesting without end", "[cli]") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "List[";
  CHECK(absl::IsInvalidArgument(Type::Parse(text).status()));
}

}  // namespace
}  // namespace torchere::cli
