// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/tensor_json.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

absl::StatusOr<Tensor> Read(const std::string& text, std::optional<DataType> declared = {}) {
  const absl::StatusOr<Json> json = ParseJson(text);
  REQUIRE(json.ok());
  return TensorFromJson(*json, declared);
}

std::string Rewritten(const std::string& text, std::optional<DataType> declared = {}) {
  const absl::StatusOr<Tensor> tensor = Read(text, declared);
  REQUIRE(tensor.ok());
  return JsonText(TensorToJson(*tensor));
}

TEST_CASE("an array becomes a tensor of the dtype that its items suggest", "[cli]") {
  CHECK(Read("[[1, 2, 3], [4, 5, 6]]")->Description() == "INT64 [2, 3]");
  CHECK(Read("[1, 2.5]")->Description() == "FP32 [2]");
  CHECK(Read("[true, false]")->Description() == "BOOL [2]");
  CHECK(Read("[1, \"NaN\"]")->Description() == "FP32 [2]");
  CHECK(Read("[]")->Description() == "FP32 [0]");
  CHECK(Read("[[], []]")->Description() == "FP32 [2, 0]");
  CHECK(Read("7")->Description() == "INT64 []");
}

TEST_CASE("an array becomes a tensor of the declared dtype", "[cli]") {
  const DataType dtype = static_cast<DataType>(GENERATE(range(2, 11)));
  const absl::StatusOr<Tensor> tensor = Read("[[0, 1], [2, 100]]", dtype);
  REQUIRE(tensor.ok());
  CHECK(tensor->dtype() == dtype);
  CHECK(JsonText(TensorToJson(*tensor)["data"]).substr(0, 3) == "[[0");
  CHECK(TensorToJson(*tensor)["data"][1][1] == 100);
}

TEST_CASE("a tensor is the same after both ways through JSON", "[cli]") {
  const char* text = GENERATE(
      R"({"dtype":"FP32","shape":[2,2],"data":[[0.1,1e+30],["NaN","-Infinity"]]})",
      R"({"dtype":"FP64","shape":[1],"data":[0.1]})",
      R"({"dtype":"BF16","shape":[1],"data":[3.390625]})",
      R"({"dtype":"FP16","shape":[2],"data":[0.099975586,"Infinity"]})",
      R"({"dtype":"INT64","shape":[2],"data":[9223372036854775807,-9223372036854775808]})",
      R"({"dtype":"UINT8","shape":[],"data":255})", R"({"dtype":"INT8","shape":[0,3],"data":[]})",
      R"({"dtype":"BOOL","shape":[1,1,2],"data":[[[true,false]]]})");
  CHECK(Rewritten(text) == text);
}

TEST_CASE("every FP32 item reads back to the same item", "[cli]") {
  const std::vector<float> items = {0.1f, 1.0f / 3, 16777217.0f, 1e-45f, 3.4028235e38f, -0.0f};
  const Json json = TensorToJson(*Tensor::Of<float>({6}, std::span(items)));
  const absl::StatusOr<Tensor> back = TensorFromJson(json, std::nullopt);
  REQUIRE(back.ok());
  CHECK(std::vector<float>(back->As<float>()->begin(), back->As<float>()->end()) == items);
  CHECK(std::signbit(back->As<float>()->back()));
}

TEST_CASE("an item that its dtype cannot hold is refused", "[cli]") {
  const auto [text, dtype] =
      GENERATE(table<std::string, DataType>({{"[256]", DataType::kUint8},
                                             {"[-1]", DataType::kUint8},
                                             {"[128]", DataType::kInt8},
                                             {"[2147483648]", DataType::kInt32},
                                             {"[9223372036854775808]", DataType::kInt64},
                                             {"[1.5]", DataType::kInt64},
                                             {"[\"NaN\"]", DataType::kInt64},
                                             {"[1]", DataType::kBool},
                                             {"[true]", DataType::kFp32},
                                             {"[1e39]", DataType::kFp32},
                                             {"[3.4028236e38]", DataType::kFp32},
                                             {"[65520]", DataType::kFp16},
                                             {"[null]", DataType::kFp32},
                                             {"[\"x\"]", DataType::kFp32},
                                             {"[{}]", DataType::kFp32}}));
  CAPTURE(text, DataTypeName(dtype));
  const absl::Status status = Read(text, dtype).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains(DataTypeName(dtype)));
}

TEST_CASE("rows of unequal length are refused, and the place is named", "[cli]") {
  const auto [text, place] = GENERATE(table<std::string, std::string>(
      {{"[[1, 2], [3]]", "item [1] is an array of 1, its neighbours are an array of 2"},
       {"[[1], 2]", "item [1] is the number 2"},
       {"[1, [2]]", "item [1] is an array of 1, its neighbours are an item"},
       {"[[[1]], [[]]]", "item [1][0]"}}));
  const absl::Status status = Read(text).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains(place));
}

TEST_CASE("an array deeper than a tensor's rank may be is refused", "[cli]") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "[";
  text.append(100'000, ']');
  CHECK(absl::IsInvalidArgument(Read(text).status()));
}

TEST_CASE("an object that contradicts itself is no tensor", "[cli]") {
  const auto [text, why] = GENERATE(
      table<std::string, std::string>({{R"({"dtype": "FP32"})", "needs the member \"data\""},
                                       {R"({"dtype": "float", "data": [1]})", "\"dtype\""},
                                       {R"({"dtype": 9, "data": [1]})", "\"dtype\""},
                                       {R"({"data": [1], "shape": [2]})", "[2]"},
                                       {R"({"data": [], "shape": [0, -1]})", "negative"},
                                       {R"({"data": [1], "shape": 1})", "no array"},
                                       {R"({"data": [1], "shape": ["a"]})", "\"a\""},
                                       {R"({"data": [1], "size": 1})", "\"size\""}}));
  CAPTURE(text);
  const absl::Status status = Read(text).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains(why));
}

TEST_CASE("JSON with a member twice, or broken, is refused", "[cli]") {
  CHECK_THAT(std::string(ParseJson(R"({"a": {"b": 1, "b": 2}})").status().message()),
             Catch::Contains("\"b\" is there twice"));
  CHECK(ParseJson(R"([{"a": 1}, {"a": 1}, {"b": {"a": 1}}])").ok());
  CHECK(absl::IsInvalidArgument(ParseJson("[1,").status()));
  CHECK(absl::IsInvalidArgument(ParseJson("\"\xff\"").status()));
  CHECK(absl::IsInvalidArgument(ParseJson("").status()));
  CHECK_THAT(std::string(ParseJson("nope").status().message()), Catch::StartsWith("parse error"));
}

}  // namespace
}  // namespace torchere::cli
