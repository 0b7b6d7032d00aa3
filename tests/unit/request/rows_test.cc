// SPDX-License-Identifier: Apache-2.0
#include "server/request/rows.h"

#include <numeric>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

Tensor Matrix(int64_t rows, int64_t columns, float first = 0) {
  std::vector<float> items(static_cast<size_t>(rows * columns));
  std::iota(items.begin(), items.end(), first);
  Tensor tensor = FloatTensor(items);
  tensor.shape = {rows, columns};
  return tensor;
}

Arguments Of(std::vector<Value> values) { return {values.begin(), values.end()}; }

ValueType TypeOf(ValueType::Kind kind, std::vector<ValueType> elements = {}) {
  return {.kind = kind, .elements = std::move(elements), .fields = {}, .text = ""};
}

TEST_CASE("RowsOf counts the first dimension of all tensors", "[request]") {
  CHECK(RowsOf(Of({{Matrix(3, 2)}, {std::string("text")}, {Matrix(3, 5)}})) == 3);
}

TEST_CASE("RowsOf finds no rows where requests could not be told apart", "[request]") {
  Arguments arguments;
  SECTION("no tensor") { arguments = Of({{int64_t{3}}}); }
  SECTION("a tensor without dimensions") { arguments = Of({{Tensor{DType::kFp32, {}, {}}}}); }
  SECTION("no rows") { arguments = Of({{Matrix(0, 2)}}); }
  SECTION("tensors that disagree") { arguments = Of({{Matrix(3, 2)}, {Matrix(2, 2)}}); }
  SECTION("a tensor inside a list") { arguments = Of({{Matrix(1, 2)}, {List{{Matrix(1, 2)}}}}); }
  SECTION("more than can be compared") {
    arguments = Of({{Matrix(1, 2)}, {std::string(5000, 'x')}});
  }
  CHECK_FALSE(RowsOf(arguments).has_value());
}

TEST_CASE("GiveOptional sees what could have been left out, but not what is made then",
          "[request]") {
  MethodSignature method;
  method.inputs.resize(2);
  method.inputs[1].type = TypeOf(ValueType::Kind::kOptional, {{}});
  const Arguments arguments = Of({{Matrix(1, 2)}, {Matrix(1, 2)}});
  CHECK(GiveOptional(method, arguments));
  CHECK_FALSE(GiveOptional(method, Of({{Matrix(1, 2)}, {Null{}}})));
  method.inputs[1].is_made = true;
  CHECK_FALSE(GiveOptional(method, arguments));
}

TEST_CASE("CanStack asks for the same dtypes, further dimensions and other values", "[request]") {
  const Arguments one = Of({{Matrix(3, 2)}, {int64_t{7}}, {List{{std::string("a")}, {1.5}}}});
  CHECK(CanStack(one, Of({{Matrix(1, 2)}, {int64_t{7}}, {List{{std::string("a")}, {1.5}}}})));
  CHECK_FALSE(CanStack(one, Of({{Matrix(3, 3)}, {int64_t{7}}, {List{{std::string("a")}, {1.5}}}})));
  CHECK_FALSE(CanStack(one, Of({{Matrix(3, 2)}, {int64_t{8}}, {List{{std::string("a")}, {1.5}}}})));
  CHECK_FALSE(CanStack(one, Of({{Matrix(3, 2)}, {int64_t{7}}, {List{{std::string("b")}, {1.5}}}})));
  CHECK_FALSE(CanStack(one, Of({{Matrix(3, 2)}, {int64_t{7}}, {List{{std::string("a")}}}})));
  CHECK_FALSE(CanStack(one, Of({{Matrix(3, 2)}, {7.0}, {List{{std::string("a")}, {1.5}}}})));
  Tensor halves = Matrix(3, 2);
  halves.dtype = DType::kInt32;
  CHECK_FALSE(CanStack(Of({{Matrix(3, 2)}}), Of({{halves}})));
  CHECK_FALSE(CanStack(Of({{Matrix(3, 2)}}), Arguments(1)));
  CHECK(CanStack(Arguments(1), Arguments(1)));
}

TEST_CASE("StackHash tells what cannot stack apart, whatever the number of rows", "[request]") {
  const Arguments one = Of({{Matrix(3, 2)}, {int64_t{7}}, {List{{std::string("a")}, {1.5}}}});
  const size_t hash = StackHash(one);
  CHECK(hash ==
        StackHash(Of({{Matrix(1, 2, 5)}, {int64_t{7}}, {List{{std::string("a")}, {1.5}}}})));
  CHECK(hash != StackHash(Of({{Matrix(3, 3)}, {int64_t{7}}, {List{{std::string("a")}, {1.5}}}})));
  CHECK(hash != StackHash(Of({{Matrix(3, 2)}, {int64_t{8}}, {List{{std::string("a")}, {1.5}}}})));
  CHECK(hash != StackHash(Of({{Matrix(3, 2)}, {int64_t{7}}, {List{{std::string("b")}, {1.5}}}})));
  CHECK(hash != StackHash(Of({{Matrix(3, 2)}, {7.0}, {List{{std::string("a")}, {1.5}}}})));
  Arguments without = one;
  without[1].reset();
  CHECK(hash != StackHash(without));
}

TEST_CASE("Stack puts rows below each other and pads with the last", "[request]") {
  const Arguments a = Of({{Matrix(2, 2)}, {int64_t{7}}}),
                  b = Of({{Matrix(1, 2, 10)}, {int64_t{7}}});
  const Arguments stacked = Stack({&a, &b}, 5);
  CHECK(std::get<Tensor>(stacked[0]->kind).shape == Shape{5, 2});
  CHECK(Floats(*stacked[0]) == std::vector<float>{0, 1, 2, 3, 10, 11, 10, 11, 10, 11});
  CHECK(std::get<int64_t>(stacked[1]->kind) == 7);
}

TEST_CASE("SliceRows takes what was stacked apart", "[request]") {
  const Arguments a = Of({{Matrix(2, 2)}, {int64_t{7}}}),
                  b = Of({{Matrix(3, 2, 10)}, {int64_t{7}}});
  const Arguments slice = SliceRows(Stack({&a, &b}, 5), 1, 2);
  CHECK(Floats(*slice[0]) == std::vector<float>{2, 3, 10, 11});
  CHECK(std::get<Tensor>(slice[0]->kind).shape == Shape{2, 2});
  CHECK(std::get<int64_t>(slice[1]->kind) == 7);
}

TEST_CASE("SliceRows finds each request's part of an output, and JoinRows undoes it", "[request]") {
  const ValueType tensor = TypeOf(ValueType::Kind::kTensor);
  const ValueType texts = TypeOf(ValueType::Kind::kList, {TypeOf(ValueType::Kind::kText)});
  const Value matrix{Matrix(4, 1)};
  const Value labels{
      List{{std::string("a")}, {std::string("b")}, {std::string("c")}, {std::string("d")}}};
  Value output;
  ValueType type;
  SECTION("a tensor") {
    output = matrix;
    type = tensor;
  }
  SECTION("a list with an item a row") {
    output = labels;
    type = texts;
  }
  SECTION("a tuple of them") {
    output = Value{List{matrix, labels}};
    type = TypeOf(ValueType::Kind::kTuple, {tensor, texts});
  }
  SECTION("a dict of tensors") {
    output = Value{Map{{std::string("x"), matrix}, {std::string("y"), matrix}}};
    type = TypeOf(ValueType::Kind::kDict, {TypeOf(ValueType::Kind::kText), tensor});
  }
  SECTION("an optional tensor") {
    output = matrix;
    type = TypeOf(ValueType::Kind::kOptional, {tensor});
  }
  CHECK(GoesByRows(output, type, 4));
  CHECK_FALSE(GoesByRows(output, type, 3));
  const auto first = SliceRows(output, type, 4, 0, 1), rest = SliceRows(output, type, 4, 1, 3);
  REQUIRE((first && rest));
  const auto joined = JoinRows({&*first, &*rest}, type);
  REQUIRE(joined);
  const auto last = SliceRows(*joined, type, 4, 3, 1);
  REQUIRE(last);
  if (std::holds_alternative<Tensor>(last->kind)) CHECK(Floats(*last) == std::vector<float>{3});
  if (type.kind == ValueType::Kind::kList) {
    CHECK(std::get<std::string>(std::get<List>(last->kind).at(0).kind) == "d");
  }
  if (type.kind == ValueType::Kind::kTuple) {
    const List& both = std::get<List>(last->kind);
    CHECK(Floats(both.at(0)) == std::vector<float>{3});
    CHECK(std::get<std::string>(std::get<List>(both.at(1).kind).at(0).kind) == "d");
  }
  if (type.kind == ValueType::Kind::kDict) {
    CHECK(Floats(std::get<Map>(last->kind).at(1).value) == std::vector<float>{3});
  }
}

TEST_CASE("SliceRows finds nothing in an output that does not go by rows", "[request]") {
  const ValueType tensor = TypeOf(ValueType::Kind::kTensor);
  const auto finds_nothing = [](const Value& output, const ValueType& type) {
    CHECK_FALSE(SliceRows(output, type, 4, 0, 1));
    CHECK_FALSE(GoesByRows(output, type, 4));
  };
  finds_nothing({Matrix(3, 2)}, tensor);
  finds_nothing({Tensor{DType::kFp32, {}, Bytes("four")}}, tensor);
  finds_nothing({int64_t{4}}, TypeOf(ValueType::Kind::kInt));
  finds_nothing({List{{int64_t{1}}}}, TypeOf(ValueType::Kind::kList, {tensor}));
  finds_nothing({Null{}}, TypeOf(ValueType::Kind::kOptional, {tensor}));
}

TEST_CASE("A small answer does not keep a large batch in memory", "[request]") {
  const Value large{Matrix(64, 4096)};
  const auto slice = SliceRows(large, TypeOf(ValueType::Kind::kTensor), 64, 5, 1);
  REQUIRE(slice);
  const Bytes& whole = std::get<Tensor>(large.kind).data;
  CHECK(std::get<Tensor>(slice->kind).data.pieces()[0].owner != whole.pieces()[0].owner);
  CHECK(Floats(*slice).front() == 5 * 4096);
}

TEST_CASE("JoinRows refuses parts that do not agree", "[request]") {
  const ValueType tensor = TypeOf(ValueType::Kind::kTensor);
  const Value two{Matrix(1, 2)}, three{Matrix(1, 3)}, number{int64_t{1}};
  CHECK_FALSE(JoinRows({&two, &three}, tensor));
  CHECK_FALSE(JoinRows({&two, &number}, tensor));
  CHECK_FALSE(JoinRows({&number, &number}, TypeOf(ValueType::Kind::kInt)));
}

}  // namespace
}  // namespace torchere
