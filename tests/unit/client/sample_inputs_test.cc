// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/sample_inputs.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

ValueSignature TensorInput(const std::string& name, std::optional<DataType> dtype,
                           std::optional<std::vector<int64_t>> shape) {
  return {.name = name, .type = "Tensor", .dtype = dtype, .shape = std::move(shape)};
}

MethodSignature Method(std::vector<ValueSignature> inputs) {
  return {.name = "forward", .inputs = std::move(inputs)};
}

std::string Problem(const MethodSignature& method, const SampleOptions& options = {},
                    std::vector<NamedValue> given = {}) {
  const auto inputs = SampleInputs(method, std::move(given), options);
  REQUIRE_FALSE(inputs.ok());
  CHECK(absl::IsInvalidArgument(inputs.status()));
  return std::string(inputs.status().message());
}

// The only input's tensor.
Tensor OnlyTensor(const MethodSignature& method, const SampleOptions& options = {}) {
  const auto inputs = SampleInputs(method, {}, options);
  INFO(inputs.status().message());
  REQUIRE(inputs.ok());
  REQUIRE(inputs->size() == 1);
  return *inputs->front().value.If<Tensor>();
}

TEST_CASE("a tensor is made of its declared dtype and shape, free dimensions 1", "[cli]") {
  const MethodSignature method = Method({TensorInput("x", DataType::kFp32, {{-1, 3, -1, 8}})});
  CHECK(OnlyTensor(method).Description() == "FP32 [1, 3, 1, 8]");
  SECTION("the first of them as long as there are rows") {
    CHECK(OnlyTensor(method, {.rows = 5}).Description() == "FP32 [5, 3, 1, 8]");
  }
  SECTION("or all as --shape says") {
    const SampleOptions options = {.shapes = {{.name = "x", .lengths = {2, 3, 7, 8}}}};
    CHECK(OnlyTensor(method, options).Description() == "FP32 [2, 3, 7, 8]");
  }
}

TEST_CASE("made-up floats lie between 0 and 1, integers are 0, and all are the same again",
          "[cli]") {
  const auto dtype = GENERATE(DataType::kBool, DataType::kUint8, DataType::kInt64, DataType::kFp16,
                              DataType::kBf16, DataType::kFp32, DataType::kFp64);
  const MethodSignature method = Method({TensorInput("x", dtype, {{100}})});
  const Tensor tensor = OnlyTensor(method);
  const Tensor again = OnlyTensor(method);
  CHECK(std::equal(tensor.data().begin(), tensor.data().end(), again.data().begin()));
  const bool all_zero = std::all_of(tensor.data().begin(), tensor.data().end(),
                                    [](std::byte byte) { return byte == std::byte{0}; });
  CHECK(all_zero == (dtype < DataType::kFp16));
  if (dtype != DataType::kFp32) return;
  const auto items = *tensor.As<float>();
  for (const float item : items) CHECK((item >= 0 && item <= 1));
}

TEST_CASE("arguments of other types are made up too, and those with a default left out", "[cli]") {
  MethodSignature method = Method({{.name = "text", .type = "str"},
                                   {.name = "n", .type = "int"},
                                   {.name = "f", .type = "float"},
                                   {.name = "b", .type = "bool"},
                                   {.name = "mask", .type = "Optional[Tensor]"},
                                   {.name = "sizes", .type = "List[int]"}});
  method.inputs.back().has_default = true;
  const auto inputs = SampleInputs(method, {}, {});
  REQUIRE(inputs.ok());
  REQUIRE(inputs->size() == 5);
  CHECK(*(*inputs)[0].value.If<std::string>() == "text");
  CHECK(*(*inputs)[1].value.If<int64_t>() == 1);
  CHECK(*(*inputs)[2].value.If<double>() == 0.5);
  CHECK(*(*inputs)[3].value.If<bool>() == false);
  CHECK((*inputs)[4].value.Is<Null>());
}

TEST_CASE("what is given is taken as it is", "[cli]") {
  const MethodSignature method = Method({TensorInput("x", {}, {}), {.name = "n", .type = "int"}});
  const auto inputs = SampleInputs(method, {{.name = "x", .value = 7}}, {});
  REQUIRE(inputs.ok());
  REQUIRE(inputs->size() == 2);
  CHECK((*inputs)[0].name == "n");
  CHECK(*(*inputs)[1].value.If<int64_t>() == 7);
}

TEST_CASE("where the signature says too little, the error says what to give", "[cli]") {
  CHECK(Problem(Method({TensorInput("x", {}, {{1}})})) ==
        "input 'x': the signature declares no dtype; give the tensor: --input x=@x.npy");
  CHECK_THAT(Problem(Method({TensorInput("x", DataType::kFp32, {})})),
             Catch::Contains("no shape") && Catch::Contains("--shape x=1,…") &&
                 Catch::Contains("--input x=@x.npy"));
  CHECK_THAT(Problem(Method({{.name = "d", .type = "Dict[str, Tensor]"}})),
             Catch::Contains("Dict[str, Tensor]") && Catch::Contains("--input d=VALUE"));
}

TEST_CASE("rows and shapes that do not fit the signature are refused", "[cli]") {
  const MethodSignature fixed = Method({TensorInput("x", DataType::kFp32, {{4, -1}})});
  CHECK_THAT(Problem(fixed, {.rows = 8}), Catch::Contains("--rows"));
  CHECK_THAT(Problem(fixed, {.shapes = {{.name = "x", .lengths = {5, 1}}}}),
             Catch::Contains("expected a shape like [4, -1]") && Catch::Contains("[5, 1]"));
  CHECK_THAT(Problem(fixed, {.shapes = {{.name = "x", .lengths = {4}}}}), Catch::Contains("[4]"));
  CHECK_THAT(Problem(fixed, {.shapes = {{.name = "y", .lengths = {}}}}),
             Catch::Contains("'y'") && Catch::Contains("no such input"));
  CHECK_THAT(
      Problem(fixed, {.shapes = {{.name = "x", .lengths = {4, 1}}}}, {{.name = "x", .value = 1}}),
      Catch::Contains("--input too"));
  CHECK_THAT(Problem(fixed, {.shapes = {{.name = "x", .lengths = {4, int64_t{1} << 40}}}}),
             Catch::Contains("2 GiB"));
}

}  // namespace
}  // namespace torchere::cli
