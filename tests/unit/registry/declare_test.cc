// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "absl/strings/match.h"
#include "server/registry/model_config.h"
#include "tests/support/catch.h"
#include "tests/unit/request/values.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

const ValueType kTensor = TensorType();
const ValueType kInt = IntType();
const ValueType kOptionalTensor = OptionalOf(TensorType());
const ValueType kText{.kind = Kind::kText, .elements = {}, .fields = {}, .text = "str"};

const Shape kVector = {-1};

DeclaredValue Declared(const std::string& name, const std::string& rename = "") {
  DeclaredValue value;
  value.name = name;
  value.rename = rename;
  value.line = 7;
  return value;
}

// A forward of x: Tensor, mask: Optional[Tensor], k: int that returns a and b,
// and an embed that returns a Dict[str, value].
Signature MakeSignature(const ValueType& value = kTensor) {
  MethodSignature forward;
  forward.name = "forward";
  forward.inputs = {Spec("x"), Spec("mask", kOptionalTensor), Spec("k", kInt)};
  forward.outputs = {Spec("a"), Spec("b")};
  MethodSignature embed;
  embed.name = "embed";
  embed.inputs = {Spec("x")};
  embed.outputs_vary = true;
  embed.returns = {.kind = Kind::kDict, .elements = {kText, value}, .fields = {}, .text = "Dict"};
  return Signature{.methods = {forward, embed}};
}

ModelConfig Config(const std::string& method, DeclaredMethod declared) {
  ModelConfig config;
  config.path = "model.yaml";
  config.methods[method] = std::move(declared);
  return config;
}

std::string ErrorOf(const ModelConfig& config) {
  Signature signature = MakeSignature();
  const absl::Status status = Declare(config, signature);
  CHECK(absl::IsInvalidArgument(status));
  return std::string(status.message());
}

TEST_CASE("Declare puts dtypes, shapes and labels onto tensors, also optional ones", "[registry]") {
  DeclaredValue mask = Declared("mask");
  mask.dtype = DType::kBool;
  mask.shape = Shape{-1, 8};
  DeclaredValue b = Declared("b");
  b.labels = {"cat", "dog"};
  Signature signature = MakeSignature();
  REQUIRE(Declare(Config("forward", {.inputs = {mask}, .outputs = {b}}), signature).ok());

  const MethodSignature& forward = *signature.Find("forward");
  CHECK(forward.inputs[1].dtype == DType::kBool);
  CHECK(forward.inputs[1].shape == Shape{-1, 8});
  CHECK_FALSE(forward.inputs[0].dtype.has_value());
  CHECK(forward.outputs[1].labels == std::vector<std::string>{"cat", "dog"});
  CHECK(forward.outputs[1].archive_name.empty());
}

TEST_CASE("Declare puts a range onto integers alone", "[registry]") {
  DeclaredValue x = Declared("x");
  x.range = IntRange{0, 9};
  Signature signature = MakeSignature();
  SECTION("a tensor of a declared integer dtype") {
    x.dtype = DType::kInt64;
    REQUIRE(Declare(Config("forward", {.inputs = {x}, .outputs = {}}), signature).ok());
    CHECK(signature.Find("forward")->inputs[0].range->most == 9);
  }
  SECTION("no more than its dtype can hold") {
    const auto [dtype, range, text] = GENERATE(table<DType, IntRange, std::string>({
        {DType::kUint8, {-1, 9}, "is not within UINT8's, 0 to 255"},
        {DType::kInt8, {0, 128}, "is not within INT8's, -128 to 127"},
        {DType::kInt32, {0, int64_t{1} << 31}, "is not within INT32's, -2147483648 to 2147483647"},
    }));
    x.dtype = dtype;
    x.range = range;
    CHECK(ErrorOf(Config("forward", {.inputs = {x}, .outputs = {}})).find(text) !=
          std::string::npos);
  }
  SECTION("not one whose dtype is not declared, or not of integers") {
    x.dtype = GENERATE(std::optional<DType>(), std::optional(DType::kFp32));
    const std::string error = ErrorOf(Config("forward", {.inputs = {x}, .outputs = {}}));
    CHECK(error.find("input 'x': only an int, or a Tensor with a declared dtype of integers") !=
          std::string::npos);
  }
}

TEST_CASE("Declare keeps what the archive says where nothing else is declared", "[registry]") {
  Signature signature = MakeSignature();
  ValueSpec& x = signature.methods[0].inputs[0];
  x.dtype = DType::kFp64;
  x.shape = kVector;
  DeclaredValue declared = Declared("x");
  declared.dtype = DType::kFp32;
  REQUIRE(Declare(Config("forward", {.inputs = {declared}, .outputs = {}}), signature).ok());
  CHECK(x.dtype == DType::kFp32);
  CHECK(x.shape == kVector);
}

TEST_CASE("Declare renames outputs and remembers the archive's names", "[registry]") {
  Signature signature = MakeSignature();
  const std::vector<ValueSpec>& outputs = signature.methods[0].outputs;
  SECTION("one of them") {
    REQUIRE(Declare(Config("forward", {{}, {Declared("a", "logits")}}), signature).ok());
    CHECK(outputs[0].name == "logits");
    CHECK(outputs[0].archive_name == "a");
    CHECK(outputs[1].archive_name.empty());
  }
  SECTION("two that swap their names") {
    REQUIRE(
        Declare(Config("forward", {{}, {Declared("a", "b"), Declared("b", "a")}}), signature).ok());
    CHECK(outputs[0].name == "b");
    CHECK(outputs[0].archive_name == "a");
    CHECK(outputs[1].name == "a");
    CHECK(outputs[1].archive_name == "b");
  }
  SECTION("one to the name it has") {
    REQUIRE(Declare(Config("forward", {{}, {Declared("a", "a")}}), signature).ok());
    CHECK(outputs[0].name == "a");
    CHECK(outputs[0].archive_name.empty());
  }
}

TEST_CASE("Declare adds the outputs of a method whose outputs vary", "[registry]") {
  DeclaredValue scores = Declared("scores", "probabilities");
  scores.dtype = DType::kFp32;
  Signature signature = MakeSignature();
  REQUIRE(Declare(Config("embed", {{}, {scores}}), signature).ok());
  const MethodSignature& embed = *signature.Find("embed");
  REQUIRE(embed.outputs.size() == 1);
  CHECK(embed.outputs[0].name == "probabilities");
  CHECK(embed.outputs[0].archive_name == "scores");
  CHECK(embed.outputs[0].dtype == DType::kFp32);
  CHECK(embed.outputs[0].type.kind == Kind::kTensor);
}

TEST_CASE("Declare knows the type of a Dict's values", "[registry]") {
  Signature signature = MakeSignature(/*value=*/kInt);
  REQUIRE(Declare(Config("embed", {{}, {Declared("count")}}), signature).ok());
  CHECK(signature.Find("embed")->outputs.at(0).type.text == "int");
  DeclaredValue total = Declared("total");
  total.shape = kVector;
  CHECK(absl::IsInvalidArgument(Declare(Config("embed", {{}, {total}}), signature)));
}

TEST_CASE("Declare refuses what the archive does not have, and says what it has", "[registry]") {
  CHECK(ErrorOf(Config("encode", {})) ==
        "model.yaml: the archive has no method 'encode'; it has 'forward', 'embed'");
  CHECK(ErrorOf(Config("forward", {{Declared("y")}, {}})) ==
        "model.yaml:7: method 'forward': the archive has no input 'y'; it has 'x', 'mask', 'k'");
  CHECK(ErrorOf(Config("forward", {{}, {Declared("c")}})) ==
        "model.yaml:7: method 'forward': the archive has no output 'c'; it has 'a', 'b'");
  CHECK(absl::StrContains(ErrorOf(Config("embed", {{Declared("y")}, {}})), "it has 'x'"));
}

TEST_CASE("Declare refuses a dtype, a shape and labels for what is no tensor", "[registry]") {
  DeclaredValue k = Declared("k");
  SECTION("a dtype") { k.dtype = DType::kInt64; }
  SECTION("a shape") { k.shape.emplace(); }
  SECTION("labels") { k.labels = {"cat"}; }
  const std::string error = ErrorOf(Config("forward", {{k}, {}}));
  CHECK(absl::StrContains(error, "model.yaml:7: method 'forward': input 'k'"));
  CHECK(absl::StrContains(error, "int in the archive"));
}

TEST_CASE("Declare refuses two outputs of one name", "[registry]") {
  const std::string taken = ErrorOf(Config("forward", {{}, {Declared("a", "b")}}));
  CHECK(absl::StrContains(taken, "two outputs are called 'b'"));
  CHECK(absl::StrContains(taken, "'a' and 'b'"));
  const std::string same =
      ErrorOf(Config("forward", {{}, {Declared("a", "same"), Declared("b", "same")}}));
  CHECK(absl::StrContains(same, "two outputs are called 'same'"));
  const std::string varying =
      ErrorOf(Config("embed", {{}, {Declared("p", "same"), Declared("q", "same")}}));
  CHECK(absl::StrContains(varying, "two outputs are called 'same'"));
}

TEST_CASE("Declare leaves a signature as it is where nothing is declared", "[registry]") {
  Signature signature = MakeSignature();
  REQUIRE(Declare(ModelConfig{}, signature).ok());
  CHECK(signature.Find("forward")->outputs.size() == 2);
  CHECK(signature.Find("embed")->outputs.empty());
}

}  // namespace
}  // namespace torchere
