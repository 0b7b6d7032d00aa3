// SPDX-License-Identifier: Apache-2.0
#include "server/batching/padding.h"

#include <string>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/batching/padded_method.h"

namespace torchere {
namespace {

Arguments PaddedArguments(Arguments arguments) {
  const MethodSignature method = Padded();
  const auto length = LengthOf(method, arguments);
  REQUIRE(length.ok());
  Pad(method, *length, arguments);
  return arguments;
}

absl::Status Refused(const Arguments& arguments) {
  const absl::Status status = LengthOf(Padded(), arguments).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(DetailsOf(status).reason == "SHAPE_MISMATCH");
  return status;
}

TEST_CASE("Each row is filled up to the next bucket, and the mask says what was the caller's") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({2, 3})));
  CHECK(TensorOf(padded[0]).shape == Shape{2, 4});
  CHECK(Floats(*padded[0]) == Floats_{1, 2, 3, -1, 4, 5, 6, -1});
  CHECK_FALSE(padded[1].has_value());
  const Tensor& mask = TensorOf(padded[2]);
  CHECK(mask.dtype == DType::kUint8);
  CHECK(mask.shape == Shape{2, 4});
  CHECK(mask.data.ToString() == std::string("\1\1\1\0\1\1\1\0", 8));
}

TEST_CASE("What lies before and behind the length stays where it is") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({1, 5}), Counted({1, 2, 5})));
  CHECK(Floats(*padded[0]) == Floats_{1, 2, 3, 4, 5, -1});
  CHECK(TensorOf(padded[1]).shape == Shape{1, 2, 6});
  CHECK(Floats(*padded[1]) == Floats_{1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0});

  MethodSignature method = Padded();
  method.inputs[0].shape = Shape{-1, -1, 2};
  Arguments arguments = MakeArguments(Counted({2, 1, 2}));
  Pad(method, *LengthOf(method, arguments), arguments);
  CHECK(Floats(*arguments[0]) == Floats_{1, 2, -1, -1, -1, -1, -1, -1,  //
                                         3, 4, -1, -1, -1, -1, -1, -1});
}

TEST_CASE("Long rows are not copied, nor is the fill for each of them, nor its mask") {
  MethodSignature method = Padded();
  method.padding.buckets = {4096};
  const Tensor x = Counted({2, 3});
  Arguments padded = MakeArguments(x);
  Pad(method, *LengthOf(method, padded), padded);
  const auto& pieces = TensorOf(padded[0]).data.pieces();
  REQUIRE(pieces.size() == 4);
  CHECK(pieces[0].data == x.data.pieces()[0].data);
  CHECK(pieces[2].data == x.data.pieces()[0].data + 12);
  CHECK(pieces[1].data == pieces[3].data);
  CHECK(Floats(*padded[0]).at(4097) == 5);
  CHECK(Floats(*padded[0]).back() == -1);
  const auto& mask = TensorOf(padded[2]).data.pieces();
  REQUIRE(mask.size() == 2);
  CHECK(mask[0].data == mask[1].data);
  CHECK(TensorOf(padded[2]).data.size() == 2 * 4096);
}

TEST_CASE("Short rows, however many, and their mask are one piece each") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({1000, 3})));
  CHECK(TensorOf(padded[0]).data.pieces().size() == 1);
  CHECK(TensorOf(padded[2]).data.pieces().size() == 1);
  const Floats_ items = Floats(*padded[0]);
  REQUIRE(items.size() == 4000);
  CHECK(Floats_(items.end() - 5, items.end()) == Floats_{-1, 2998, 2999, 3000, -1});
  CHECK(TensorOf(padded[2]).data.ToString().substr(3993) == std::string("\1\1\0\1\1\1\0", 7));
}

TEST_CASE("A request of a bucket's length is left as it is, but for its mask") {
  const Tensor x = Counted({1, 4});
  const Arguments padded = PaddedArguments(MakeArguments(x));
  CHECK(TensorOf(padded[0]).data.pieces()[0].data == x.data.pieces()[0].data);
  CHECK(TensorOf(padded[0]).data.pieces().size() == 1);
  CHECK(TensorOf(padded[2]).data.ToString() == std::string(4, '\1'));
}

TEST_CASE("A mask that is given is filled with 0") {
  Tensor mask{DType::kUint8, {1, 3}, Bytes(std::string("\0\1\1", 3))};
  const Arguments padded = PaddedArguments(MakeArguments(Counted({1, 3}), {}, mask));
  CHECK(TensorOf(padded[2]).shape == Shape{1, 4});
  CHECK(TensorOf(padded[2]).data.ToString() == std::string("\0\1\1\0", 4));
}

TEST_CASE("What is given as null counts as left out") {
  Arguments arguments = MakeArguments(Counted({1, 3}));
  arguments[1] = arguments[2] = Value{Null{}};
  const Arguments padded = PaddedArguments(std::move(arguments));
  CHECK(std::holds_alternative<Null>(padded[1]->kind));
  CHECK(TensorOf(padded[2]).shape == Shape{1, 4});
}

// Padded, with `other`, a mask of y.
MethodSignature WithTwoMasks() {
  MethodSignature method = Padded();
  method.inputs.push_back(Spec("other", DType::kUint8, {-1, -1}));
  method.inputs[3].is_made = true;
  method.padding.masks.push_back({3, 1, std::string(1, '\0'), std::string(1, '\1')});
  return method;
}

TEST_CASE("Each mask is made with the rows of the input that it masks") {
  const MethodSignature method = WithTwoMasks();
  Arguments arguments = MakeArguments(Counted({2, 3}), Counted({1, 2, 3}));
  arguments.resize(4);
  SECTION("where both are given") {
    Pad(method, *LengthOf(method, arguments), arguments);
    CHECK(TensorOf(arguments[2]).shape == Shape{2, 4});
    CHECK(TensorOf(arguments[2]).data.ToString() == std::string("\1\1\1\0\1\1\1\0", 8));
    CHECK(TensorOf(arguments[3]).shape == Shape{1, 4});
    CHECK(TensorOf(arguments[3]).data.ToString() == std::string("\1\1\1\0", 4));
  }
  SECTION("or of the first that is given, where that is left out") {
    arguments[1].reset();
    Pad(method, *LengthOf(method, arguments), arguments);
    CHECK(TensorOf(arguments[3]).shape == Shape{2, 4});
  }
}

TEST_CASE("Each mask that is given must have the rows of the input that it masks") {
  const MethodSignature method = WithTwoMasks();
  Arguments arguments = MakeArguments(Counted({2, 3}), Counted({1, 2, 3}));
  arguments.resize(4);
  const auto give = [&arguments](size_t place, int64_t rows) {
    const std::string ones(static_cast<size_t>(rows * 3), '\1');
    arguments[place] = Value{Tensor{DType::kUint8, {rows, 3}, Bytes(ones)}};
  };
  give(2, 2);
  give(3, 1);
  REQUIRE(LengthOf(method, arguments).ok());
  Pad(method, *LengthOf(method, arguments), arguments);
  CHECK(TensorOf(arguments[3]).shape == Shape{1, 4});
  arguments[0] = Value{Counted({2, 3})};
  arguments[1] = Value{Counted({1, 2, 3})};
  give(2, 2);
  give(3, 2);
  CHECK(LengthOf(method, arguments).status().message() ==
        "input 'other': expected shape [1, 3], as it masks input 'y', got [2, 3]");
  give(2, 1);
  CHECK(LengthOf(method, arguments).status().message() ==
        "input 'mask': expected shape [2, 3], as it masks input 'x', got [1, 3]");
}

TEST_CASE("LengthOf tells a request's length and its bucket") {
  const auto length = LengthOf(Padded(), MakeArguments(Counted({3, 5})));
  REQUIRE(length.ok());
  CHECK(length->own == 5);
  CHECK(length->bucket == 6);
  CHECK(LengthOf(Padded(), MakeArguments(Counted({1, 6})))->bucket == 6);
  CHECK(LengthOf(Padded(), MakeArguments(Counted({1, 1})))->bucket == 4);
}

TEST_CASE("LengthOf refuses what is longer than the last bucket, or has rows without items") {
  CHECK(Refused(MakeArguments(Counted({2, 7}))).message() ==
        "input 'x': expected shape [any, 1 to 6], got [2, 7]");
  CHECK(Refused(MakeArguments(Counted({2, 0}))).message() ==
        "input 'x': expected shape [any, 1 to 6], got [2, 0]");
  CHECK(Refused(MakeArguments(Counted({0, 0}))).message() ==
        "input 'x': expected shape [any, 1 to 6], got [0, 0]");

  MethodSignature method = Padded();
  method.inputs[0].shape = Shape{-1, -1, -1};
  CHECK(LengthOf(method, MakeArguments(Counted({2, 5, 0}))).status().message() ==
        "input 'x': expected shape [any, 1 to 6, 1 or more], got [2, 5, 0]");
}

TEST_CASE("A request without rows is as long as its bucket, with a mask without rows") {
  const Arguments padded = PaddedArguments(MakeArguments(Counted({0, 5}), Counted({0, 2, 5})));
  CHECK(TensorOf(padded[0]).shape == Shape{0, 6});
  CHECK(TensorOf(padded[1]).shape == Shape{0, 2, 6});
  CHECK(TensorOf(padded[2]).shape == Shape{0, 6});
  CHECK(TensorOf(padded[2]).data.empty());
}

TEST_CASE("LengthOf refuses inputs that differ in length") {
  CHECK(Refused(MakeArguments(Counted({1, 3}), Counted({1, 2, 4}))).message() ==
        "input 'y': expected shape [any, 2, 3], as long as input 'x', got [1, 2, 4]");
  const auto with_mask = [](const Shape& shape) {
    const auto size = static_cast<size_t>(shape[0] * shape[1]);
    return MakeArguments(Counted({2, 3}), {},
                         Tensor{DType::kUint8, shape, Bytes(std::string(size, '\1'))});
  };
  CHECK(Refused(with_mask({2, 4})).message() ==
        "input 'mask': expected shape [2, 3], as it masks input 'x', got [2, 4]");
  CHECK_FALSE(Refused(with_mask({0, 3})).ok());
  CHECK(LengthOf(Padded(), with_mask({2, 3})).ok());
}

}  // namespace
}  // namespace torchere
