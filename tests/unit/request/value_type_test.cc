// SPDX-License-Identifier: Apache-2.0
#include "server/request/value_type.h"

#include "absl/strings/match.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/request/values.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

bool Takes(const ValueType& type, const Value& value) {
  return CheckType(value, type, "input 'x'").ok();
}

// The error's text; its reason must be TYPE_MISMATCH.
std::string Mismatch(const ValueType& type, const Value& value) {
  const absl::Status status = CheckType(value, type, "input 'x'");
  CHECK(absl::IsInvalidArgument(status));
  CHECK(DetailsOf(status).reason == "TYPE_MISMATCH");
  return std::string(status.message());
}

const ValueType kFloat = Type(Kind::kFloat, "float");
const ValueType kPoint =
    Type(Kind::kNamedTuple, "Point", {IntType(), TensorType()}, {"index", "at"});

TEST_CASE("CheckType takes a scalar where its type is wanted", "[request]") {
  CHECK(Takes(TextType(), Text("a")));
  CHECK(Takes(IntType(), Int(1)));
  CHECK(Takes(kFloat, Float(1.5)));
  CHECK(Takes(Type(Kind::kBool, "bool"), Bool(false)));
  CHECK(Takes(Type(Kind::kNull, "NoneType"), None()));
  CHECK(Takes(TensorType(), MakeTensor()));
}

TEST_CASE("CheckType takes an int for a float, and for a Scalar each number", "[request]") {
  CHECK(Takes(kFloat, Int(1)));
  const ValueType number = Type(Kind::kNumber, "Scalar");
  CHECK(Takes(number, Int(1)));
  CHECK(Takes(number, Float(1)));
  CHECK(Takes(number, Bool(true)));
  CHECK_FALSE(Takes(number, Text("1")));
}

TEST_CASE("CheckType turns no value into another kind", "[request]") {
  CHECK_FALSE(Takes(IntType(), Float(1)));
  CHECK_FALSE(Takes(IntType(), Bool(true)));
  CHECK_FALSE(Takes(kFloat, Bool(true)));
  CHECK_FALSE(Takes(Type(Kind::kBool, "bool"), Int(1)));
  CHECK_FALSE(Takes(TextType(), Int(1)));
  CHECK_FALSE(Takes(TensorType(), Float(1)));
  CHECK_FALSE(Takes(TensorType(), MakeList({Float(1)})));
  CHECK_FALSE(Takes(TensorType(), None()));
  CHECK_FALSE(Takes(Type(Kind::kNull, "NoneType"), Int(0)));
  CHECK_FALSE(Takes(ListOf(IntType()), MakeMap({})));
  CHECK_FALSE(Takes(DictOf(TextType(), IntType()), MakeList({})));
  CHECK_FALSE(Takes(kPoint, Int(0)));
  CHECK_FALSE(Takes(Type(Kind::kUnsupported, "Device"), Text("cpu")));
  CHECK_FALSE(Takes(Type(Kind::kUnsupported, "Device"), None()));
}

TEST_CASE("CheckType takes null for an Optional, or what the Optional holds", "[request]") {
  const ValueType type = OptionalOf(ListOf(IntType()));
  CHECK(Takes(type, None()));
  CHECK(Takes(type, MakeList({Int(1)})));
  CHECK(Mismatch(type, Int(1)) == "input 'x': expected List[int], got an int");
}

TEST_CASE("CheckType checks each item of a List", "[request]") {
  const ValueType type = ListOf(ListOf(IntType()));
  CHECK(Takes(type, MakeList({})));
  CHECK(Takes(type, MakeList({MakeList({Int(1), Int(2)}), MakeList({})})));
  CHECK(Mismatch(type, MakeList({MakeList({}), MakeList({Int(1), Text("2")})})) ==
        "input 'x'[1][1]: expected int, got text");
}

TEST_CASE("CheckType checks a Tuple's length and each element by its own type", "[request]") {
  const ValueType type = Type(Kind::kTuple, "Tuple[int, str]", {IntType(), TextType()});
  CHECK(Takes(type, MakeList({Int(1), Text("a")})));
  CHECK(Mismatch(type, MakeList({Text("a"), Int(1)})) == "input 'x'[0]: expected int, got text");
  CHECK(Mismatch(type, MakeList({Int(1)})) == "input 'x': Tuple[int, str] has 2 elements, got 1");
  CHECK(Mismatch(type, MakeList({Int(1), Text("a"), Int(2)})) ==
        "input 'x': Tuple[int, str] has 2 elements, got 3");
  CHECK_FALSE(Takes(type, MakeMap({})));
}

TEST_CASE("CheckType takes a NamedTuple by its fields in any order, or as a list", "[request]") {
  CHECK(Takes(kPoint, MakeMap({{"at", MakeTensor()}, {"index", Int(1)}})));
  CHECK(Takes(kPoint, MakeList({Int(1), MakeTensor()})));
  CHECK(Mismatch(kPoint, MakeMap({{"at", Int(1)}, {"index", Int(1)}})) ==
        "input 'x'.at: expected Tensor, got an int");
  CHECK(Mismatch(kPoint, MakeMap({{"index", Int(1)}})) == "input 'x': Point has 2 elements, got 1");
  CHECK(Mismatch(kPoint, MakeMap({{"at", MakeTensor()}, {"idx", Int(1)}})) ==
        "input 'x': has no field 'idx'; its fields are index, at");
  CHECK(absl::StrContains(
      Mismatch(kPoint, MakeMap({{int64_t{0}, Int(1)}, {int64_t{1}, MakeTensor()}})),
      "has no field 0"));
}

TEST_CASE("CheckType checks the keys and values of a Dict", "[request]") {
  const ValueType by_text = DictOf(TextType(), IntType());
  const ValueType by_int = DictOf(IntType(), IntType());
  CHECK(Takes(by_text, MakeMap({})));
  CHECK(Takes(by_text, MakeMap({{"a", Int(1)}, {"b", Int(2)}})));
  CHECK(Takes(by_int, MakeMap({{int64_t{-7}, Int(1)}})));
  CHECK(Mismatch(by_text, MakeMap({{int64_t{7}, Int(1)}})) ==
        "input 'x': expected keys of type str, got the key 7");
  CHECK(Mismatch(by_int, MakeMap({{"a", Int(1)}})) ==
        "input 'x': expected keys of type int, got the key 'a'");
  CHECK(Mismatch(by_text, MakeMap({{"a", Int(1)}, {"b", None()}})) ==
        "input 'x'['b']: expected int, got null");
  CHECK(Mismatch(by_int, MakeMap({{int64_t{7}, Bool(true)}})) ==
        "input 'x'[7]: expected int, got a bool");
}

TEST_CASE("CheckType lets no byte but 0 and 1 into a BOOL tensor", "[request]") {
  Bytes data(std::string("\0\1\1", 3));
  SECTION("all are right") {
    CHECK(Takes(TensorType(), {.kind = Tensor{DType::kBool, {3}, data}}));
  }
  SECTION("one in a later piece is wrong") {
    data.Append(Bytes("\2"));
    const absl::Status status =
        CheckType(MakeList({{.kind = Tensor{DType::kBool, {4}, data}}}), ListOf(TensorType()), "p");
    CHECK(absl::IsInvalidArgument(status));
    CHECK(DetailsOf(status).reason == "INVALID_VALUE");
    CHECK(absl::StartsWith(status.message(), "p[0]: "));
  }
  SECTION("another dtype takes any byte") {
    data.Append(Bytes("\2"));
    CHECK(Takes(TensorType(), {.kind = Tensor{DType::kUint8, {4}, data}}));
  }
}

TEST_CASE("CheckType says in its details what was expected and what came", "[request]") {
  const ErrorDetails details = DetailsOf(CheckType(Text("a"), ListOf(IntType()), "p"));
  CHECK(details.metadata.at("expected") == "List[int]");
  CHECK(details.metadata.at("got") == "text");
}

TEST_CASE("IsSupported looks at every depth of a type", "[request]") {
  const ValueType device = Type(Kind::kUnsupported, "Device");
  CHECK(IsSupported(TensorType()));
  CHECK(IsSupported(OptionalOf(ListOf(kPoint))));
  CHECK(IsSupported(DictOf(IntType(), TensorType())));
  CHECK_FALSE(IsSupported(device));
  CHECK_FALSE(IsSupported(OptionalOf(ListOf(device))));
  CHECK_FALSE(IsSupported(DictOf(TextType(), device)));
  CHECK_FALSE(IsSupported(DictOf(kFloat, IntType())));
  CHECK_FALSE(IsSupported(Type(Kind::kTuple, "Tuple", {IntType(), device})));
}

}  // namespace
}  // namespace torchere
