// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/input.h"

#include <string>

#include "client/cpp/cli/npy.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere::cli {
namespace {

MethodSignature MethodWith(const std::string& type, std::optional<DataType> dtype = std::nullopt) {
  MethodSignature method;
  method.name = "forward";
  method.inputs.push_back({.name = "x", .type = type, .dtype = dtype});
  return method;
}

absl::StatusOr<Value> Read(const std::string& text, const MethodSignature& method) {
  absl::StatusOr<NamedValue> input = ReadInput({.name = "x", .text = text}, &method);
  if (!input.ok()) return input.status();
  CHECK(input->name == "x");
  return input->value;
}

TEST_CASE("a str argument takes the text as it is, or a JSON string", "[cli]") {
  const MethodSignature method = MethodWith("str");
  CHECK(*Read("hello world", method)->If<std::string>() == "hello world");
  CHECK(*Read("\"hello\\n\"", method)->If<std::string>() == "hello\n");
  CHECK(*Read("42", method)->If<std::string>() == "42");
  CHECK(*Read("null", method)->If<std::string>() == "null");
  CHECK(Read("", method)->If<std::string>()->empty());
  CHECK(*Read("@alice", method)->If<std::string>() == "@alice");
  CHECK(Read("null", MethodWith("Optional[str]"))->Is<Null>());
  CHECK(*Read("a", MethodWith("Optional[str]"))->If<std::string>() == "a");
}

TEST_CASE("a Tensor argument takes a .npy file and JSON of the declared dtype", "[cli]") {
  const TempFolder folder;
  const std::string path = folder.Path("a.npy");
  REQUIRE(SaveNpy(path, *Tensor::Of<int32_t>({2}, {3, 4})).ok());
  const MethodSignature method = MethodWith("Tensor", DataType::kFp64);
  CHECK(Read("@" + path, method)->If<Tensor>()->Description() == "INT32 [2]");
  CHECK(Read("[1, 2]", method)->If<Tensor>()->Description() == "FP64 [2]");
}

TEST_CASE("@FILE.json is the JSON of a file", "[cli]") {
  const TempFolder folder;
  const std::string good = folder.Write("good.json", "[1, 2]\n");
  const std::string bad = folder.Write("bad.json", "[1,");
  CHECK(Read("@" + good, MethodWith("List[int]"))->If<List>()->size() == 2);
  const absl::Status status = Read("@" + bad, MethodWith("List[int]")).status();
  CHECK_THAT(std::string(status.message()), Catch::Contains("bad.json': parse error"));
}

TEST_CASE("an argument that is not known is read by its looks", "[cli]") {
  const MethodSignature method = MethodWith("int");
  const auto input = ReadInput({.name = "other", .text = "[1]"}, &method);
  CHECK(input->value.Is<List>());
  CHECK(ReadInput({.name = "x", .text = "1"}, nullptr)->value.Is<int64_t>());
}

TEST_CASE("a VALUE that cannot be read is refused with the argument's name", "[cli]") {
  const auto [text, type, why] = GENERATE(table<std::string, std::string, std::string>(
      {{"nope", "int", "input 'x' (int): parse error"},
       {"3.npy", "Tensor", "for a file write @3.npy"},
       {"hello", "Any", "a text needs quotes"},
       {"@a.txt", "Tensor", "'@a.txt' names neither a .npy nor a .json file"},
       {"@/nonexistent/a.npy", "Tensor", "input 'x': file '/nonexistent/a.npy' cannot be read"},
       {"@/nonexistent/a.json", "int", "file '/nonexistent/a.json' cannot be read"},
       {"@a.npy", "int", "input 'x': expected int"}}));
  CAPTURE(text, type);
  const absl::Status status = Read(text, MethodWith(type)).status();
  CHECK_FALSE(status.ok());
  CHECK_THAT(std::string(status.message()), Catch::Contains(why));
}

TEST_CASE("a file that is no .npy file is refused with the argument's name and its own", "[cli]") {
  const TempFolder folder;
  const std::string path = folder.Write("a.npy", "not NumPy's");
  const absl::Status status = Read("@" + path, MethodWith("Tensor")).status();
  CHECK_THAT(std::string(status.message()),
             Catch::StartsWith("input 'x': file '" + path + "': not a .npy file"));
}

}  // namespace
}  // namespace torchere::cli
