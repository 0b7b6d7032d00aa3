// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/value_json.h"

#include <limits>
#include <string>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

absl::StatusOr<Tensor> FakeFile(const std::string& path) {
  if (path == "a.npy") return Tensor::Of<float>({1}, {0.5f});
  return absl::NotFoundError("no file " + path);
}

absl::StatusOr<Value> Read(const std::string& text, const std::string& type,
                           std::optional<DataType> declared = std::nullopt) {
  const absl::StatusOr<Json> json = ParseJson(text);
  const absl::StatusOr<Type> parsed = Type::Parse(type);
  REQUIRE(json.ok());
  REQUIRE(parsed.ok());
  return ValueReader(FakeFile, declared).Read(*json, *parsed, "input 'x'");
}

// What was read, as JSON: tensors show themselves as objects there.
std::string Shown(const std::string& text, const std::string& type,
                  std::optional<DataType> declared = std::nullopt) {
  const absl::StatusOr<Value> value = Read(text, type, declared);
  INFO(value.status().ToString());
  REQUIRE(value.ok());
  return JsonText(ValueToJson(*value));
}

TEST_CASE("JSON is read as the type that is declared", "[cli]") {
  CHECK(Shown("[1, 2]", "List[int]") == "[1,2]");
  CHECK(Shown("[1, 2]", "Tensor") == R"({"dtype":"INT64","shape":[2],"data":[1,2]})");
  CHECK(Shown("[1, 2]", "Tensor", DataType::kFp32) ==
        R"({"dtype":"FP32","shape":[2],"data":[1.0,2.0]})");
  CHECK(Shown("[[1], [2, 3]]", "List[Tensor]", DataType::kInt8) ==
        R"([{"dtype":"INT8","shape":[1],"data":[1]},{"dtype":"INT8","shape":[2],"data":[2,3]}])");
  CHECK(Shown("[1, \"a\"]", "Tuple[int, str]") == R"([1,"a"])");
  CHECK(Shown("null", "Optional[Tensor]") == "null");
  CHECK(Shown("1", "Optional[int]") == "1");
  CHECK(Shown("null", "None") == "null");
  CHECK(Shown("[]", "Tuple[()]") == "[]");
  CHECK(Shown("\"a\"", "Union[int, str]") == "\"a\"");
}

TEST_CASE("an int where a float is declared is read as a float", "[cli]") {
  CHECK(Read("2", "float")->Is<double>());
  CHECK(Read("2", "int")->Is<int64_t>());
  CHECK(Read("2", "number")->Is<int64_t>());
  CHECK(Read("2.5", "number")->Is<double>());
  CHECK(Read("true", "number")->Is<bool>());
  CHECK(*Read("\"-Infinity\"", "float")->If<double>() == -std::numeric_limits<double>::infinity());
}

TEST_CASE("a Dict keeps its order and takes keys of its type", "[cli]") {
  CHECK(Shown(R"({"b": [1], "a": "@a.npy"})", "Dict[str, Tensor]") ==
        R"({"b":{"dtype":"INT64","shape":[1],"data":[1]},)"
        R"("a":{"dtype":"FP32","shape":[1],"data":[0.5]}})");
  const absl::StatusOr<Value> value = Read(R"({"-7": "x"})", "Dict[int, str]");
  REQUIRE(value.ok());
  CHECK(std::get<int64_t>(value->If<Map>()->front().key) == -7);
  CHECK(JsonText(ValueToJson(*value)) == R"({"-7":"x"})");
  CHECK_THAT(std::string(Read(R"({"a": "x"})", "Dict[int, str]").status().message()),
             Catch::Contains("expected keys of type int, got \"a\""));
  CHECK_FALSE(Read(R"({"1.5": 1})", "Dict[float, int]").ok());
}

TEST_CASE("a NamedTuple is an object of its fields, or an array in their order", "[cli]") {
  const std::string type = "Box(corner: Tensor, name: Optional[str])";
  CHECK(Shown(R"({"name": null, "corner": [1]})", type) ==
        R"({"name":null,"corner":{"dtype":"INT64","shape":[1],"data":[1]}})");
  CHECK(Shown(R"([[1], "a"])", type) == R"([{"dtype":"INT64","shape":[1],"data":[1]},"a"])");
  CHECK_THAT(std::string(Read(R"({"corner": [1]})", type).status().message()),
             Catch::Contains("has 2 fields, got 1"));
  CHECK_THAT(std::string(Read(R"({"corner": [1], "nam": "a"})", type).status().message()),
             Catch::Contains("has no field \"nam\""));
}

TEST_CASE("where the type says nothing, JSON is read by its looks", "[cli]") {
  CHECK(Shown(R"([1, [2.5, "a", true, null]])", "Any") == R"([1,[2.5,"a",true,null]])");
  CHECK(Read("1", "Any")->Is<int64_t>());
  CHECK(Read(R"({"a": 1})", "Any")->Is<Map>());
  CHECK(Read(R"({"dtype": "FP32", "data": [1]})", "Any")->Is<Tensor>());
  CHECK(Read("\"@a.npy\"", "Any")->Is<Tensor>());
  CHECK_FALSE(Read("18446744073709551615", "Any").ok());
}

TEST_CASE("a value of another type is refused, and its place is named", "[cli]") {
  const auto [text, type, why] = GENERATE(table<std::string, std::string, std::string>(
      {{"\"a\"", "int", "input 'x': expected int, got the string \"a\""},
       {"1.0", "int", "expected int, got the number 1.0"},
       {"9223372036854775808", "int", "expected int"},
       {"1", "bool", "expected bool, got the number 1"},
       {"null", "int", "expected int, got null"},
       {"1", "str", "expected str"},
       {"[1, [2]]", "List[int]", "input 'x'[1]: expected int, got an array"},
       {"{}", "List[int]", "expected List[int], got an object"},
       {"[]", "Dict[str, int]", "expected Dict[str, int], got an array"},
       {"[1]", "Tuple[int, int]", "Tuple[int, int] has 2 elements, got 1"},
       {R"({"a": {"b": "c"}})", "Dict[str, Dict[str, int]]",
        R"(input 'x'["a"]["b"]: expected int, got the string "c")"},
       {"[[1], [2, \"x\"]]", "List[Tensor]", "input 'x'[1]: "},
       {"\"@b.npy\"", "Tensor", "input 'x': no file b.npy"},
       {"{}", "Union[int, str]", "expected Union[int, str], got an object"}}));
  CAPTURE(text, type);
  const absl::StatusOr<Value> value = Read(text, type);
  REQUIRE_FALSE(value.ok());
  CHECK_THAT(std::string(value.status().message()), Catch::Contains(why));
}

TEST_CASE("values deeper than the wire takes are refused", "[cli]") {
  std::string text(100'000, '[');
  text.append(100'000, ']');
  CHECK_FALSE(Read(text, "Any").ok());
}

}  // namespace
}  // namespace torchere::cli
