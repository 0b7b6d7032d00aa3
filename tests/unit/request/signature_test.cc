// SPDX-License-Identifier: Apache-2.0
#include "server/request/signature.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/request/values.h"

namespace torchere {
namespace {

// forward(image: Tensor [any, 3] FP32, k: int = 5, mask: Optional[Tensor]) that
// returns scores and the archive's "output", which is renamed to index.
MethodSignature Forward() {
  MethodSignature method;
  method.name = "forward";
  method.inputs = {Spec("image", TensorType()), Spec("k", IntType()),
                   Spec("mask", OptionalOf(TensorType()))};
  method.inputs[0].dtype = DType::kFp32;
  method.inputs[0].shape = Shape{-1, 3};
  method.inputs[1].has_default = true;
  method.inputs[2].has_default = true;
  method.inputs[2].dtype = DType::kBool;
  method.outputs = {Spec("scores", TensorType()), Spec("index", TensorType())};
  method.outputs[1].archive_name = "output";
  return method;
}

Value Image(int64_t rows = 1) { return MakeTensor(DType::kFp32, {rows, 3}); }

struct Refusal {
  std::string reason;
  std::string message;
  std::map<std::string, std::string> metadata;
};

Refusal RefusalOf(const absl::Status& status) {
  CHECK(absl::IsInvalidArgument(status));
  const ErrorDetails details = DetailsOf(status);
  return {details.reason, std::string(status.message()), details.metadata};
}

Refusal BindRefusal(NamedValues inputs) {
  return RefusalOf(BindInputs(Forward(), std::move(inputs)).status());
}

std::vector<std::string> NamesOf(const NamedValues& values) {
  std::vector<std::string> names;
  for (const NamedValue& value : values) names.push_back(value.name);
  return names;
}

TEST_CASE("BindInputs puts inputs into the method's order and leaves defaults open", "[request]") {
  const auto arguments = BindInputs(Forward(), {{"k", Int(7)}, {"image", Image(2)}});
  REQUIRE(arguments.ok());
  REQUIRE(arguments->size() == 3);
  CHECK(std::get<Tensor>((*arguments)[0]->kind).shape == Shape{2, 3});
  CHECK(std::get<int64_t>((*arguments)[1]->kind) == 7);
  CHECK_FALSE((*arguments)[2].has_value());
}

TEST_CASE("BindInputs takes no inputs where none are needed", "[request]") {
  MethodSignature method;
  method.name = "reset";
  CHECK(BindInputs(method, {}).value().empty());
  const Refusal refusal = RefusalOf(BindInputs(method, {{"x", Int(1)}}).status());
  CHECK(refusal.message == "unknown input 'x'; method 'reset' takes none");
}

TEST_CASE("BindInputs refuses an input that the method does not take", "[request]") {
  const Refusal refusal = BindRefusal({{"image", Image()}, {"imge", Image()}});
  CHECK(refusal.reason == "UNKNOWN_INPUT");
  CHECK(refusal.message == "unknown input 'imge'; method 'forward' takes 'image', 'k', 'mask'");
  CHECK(refusal.metadata.at("input") == "imge");
}

TEST_CASE("BindInputs goes without an input that is made where it is left out", "[request]") {
  MethodSignature method;
  method.inputs.emplace_back().name = "mask";
  CHECK_FALSE(BindInputs(method, {}).ok());
  method.inputs[0].is_made = true;
  const auto arguments = BindInputs(method, {});
  REQUIRE(arguments.ok());
  CHECK_FALSE(arguments->at(0).has_value());
}

TEST_CASE("BindInputs refuses to go without an input that has no default", "[request]") {
  const Refusal refusal = BindRefusal({{"k", Int(1)}});
  CHECK(refusal.reason == "MISSING_INPUT");
  CHECK(absl::StartsWith(refusal.message, "input 'image' of type Tensor is missing"));
  CHECK(refusal.metadata.at("input") == "image");
}

TEST_CASE("BindInputs refuses an input that is given twice", "[request]") {
  const Refusal refusal = BindRefusal({{"image", Image()}, {"k", Int(1)}, {"k", Int(1)}});
  CHECK(refusal.reason == "DUPLICATE_INPUT");
  CHECK(refusal.message == "input 'k' is given twice");
}

TEST_CASE("BindInputs refuses a wrong type and names the place", "[request]") {
  const Refusal refusal = BindRefusal({{"image", Image()}, {"k", Float(1)}});
  CHECK(refusal.reason == "TYPE_MISMATCH");
  CHECK(refusal.message == "input 'k': expected int, got a float");
  CHECK(refusal.metadata.at("input") == "k");
  CHECK(refusal.metadata.at("expected") == "int");
}

TEST_CASE("BindInputs refuses a tensor of another dtype than declared", "[request]") {
  SECTION("of a Tensor") {
    const Refusal refusal = BindRefusal({{"image", MakeTensor(DType::kFp64, {1, 3})}});
    CHECK(refusal.reason == "DTYPE_MISMATCH");
    CHECK(refusal.message == "input 'image': expected dtype FP32, got FP64");
    CHECK(refusal.metadata.at("expected") == "FP32");
    CHECK(refusal.metadata.at("got") == "FP64");
  }
  SECTION("of an Optional[Tensor]") {
    CHECK(BindRefusal({{"image", Image()}, {"mask", MakeTensor()}}).reason == "DTYPE_MISMATCH");
    CHECK(BindInputs(Forward(), {{"image", Image()}, {"mask", None()}}).ok());
  }
}

TEST_CASE("BindInputs refuses a tensor of another rank than declared", "[request]") {
  const Refusal refusal = BindRefusal({{"image", MakeTensor(DType::kFp32, {3})}});
  CHECK(refusal.reason == "RANK_MISMATCH");
  CHECK(refusal.message == "input 'image': expected 2 dimensions [any, 3], got 1 [3]");
}

TEST_CASE("BindInputs refuses a length that is declared as another, and takes any free one",
          "[request]") {
  const Refusal refusal = BindRefusal({{"image", MakeTensor(DType::kFp32, {3, 1})}});
  CHECK(refusal.reason == "SHAPE_MISMATCH");
  CHECK(refusal.message == "input 'image': expected shape [any, 3], got [3, 1]");
  CHECK(BindInputs(Forward(), {{"image", Image(0)}}).ok());
  CHECK(BindInputs(Forward(), {{"image", Image(1000)}}).ok());
}

// Two rows of INT16, which are to lie in 0 to 9.
Refusal RangeRefusal(Bytes items) {
  MethodSignature method;
  method.name = "forward";
  method.inputs = {Spec("ids", TensorType()), Spec("k", IntType())};
  for (ValueSpec& input : method.inputs) input.range = IntRange{0, 9};
  NamedValues inputs;
  inputs.push_back({"ids", {Tensor{DType::kInt16, {2, 2}, std::move(items)}}});
  inputs.push_back({"k", {int64_t{10}}});
  return RefusalOf(BindInputs(method, std::move(inputs)).status());
}

TEST_CASE("BindInputs refuses integers outside of their declared range", "[request]") {
  SECTION("in a tensor") {
    const Refusal refusal = RangeRefusal(Bytes(std::string("\0\0\x9\0\xFE\xFF\0\0", 8)));
    CHECK(refusal.reason == "OUT_OF_RANGE");
    CHECK(refusal.message == "input 'ids'[1, 0]: expected 0 to 9, got -2");
    CHECK(refusal.metadata.at("input") == "ids");
    CHECK(refusal.metadata.at("expected") == "0 to 9");
    CHECK(refusal.metadata.at("got") == "-2");
  }
  SECTION("in one that came in pieces") {
    Bytes items(std::string("\0\0\x9", 3));
    items.Append(Bytes(std::string("\0\x1\0\xA\0", 5)));
    CHECK(RangeRefusal(items).message == "input 'ids'[1, 1]: expected 0 to 9, got 10");
  }
  SECTION("an int") {
    const Refusal refusal = RangeRefusal(Bytes(std::string(8, '\0')));
    CHECK(refusal.message == "input 'k': expected 0 to 9, got 10");
  }
}

TEST_CASE("BindInputs refuses a BOOL item that is neither 0 nor 1", "[request]") {
  const Value mask{.kind = Tensor{DType::kBool, {1}, Bytes("\2")}};
  const Refusal refusal = BindRefusal({{"image", Image()}, {"mask", mask}});
  CHECK(refusal.reason == "INVALID_VALUE");
  CHECK(refusal.metadata.at("input") == "mask");
}

TEST_CASE("BindInputs refuses an input of a type that cannot be sent, but not its default",
          "[request]") {
  MethodSignature method = Forward();
  method.inputs[1].type = Type(ValueType::Kind::kUnsupported, "Device");
  const Refusal refusal =
      RefusalOf(BindInputs(method, {{"image", Image()}, {"k", Text("cpu")}}).status());
  CHECK(refusal.reason == "UNSUPPORTED_INPUT");
  CHECK(absl::StartsWith(refusal.message, "input 'k': its type Device cannot be sent"));
  CHECK(BindInputs(method, {{"image", Image()}}).ok());
}

TEST_CASE("CheckWanted takes the callers' names of outputs and no others", "[request]") {
  CHECK(CheckWanted(Forward(), {}).ok());
  CHECK(CheckWanted(Forward(), {"index", "scores"}).ok());
  for (const char* name : {"none", "output", ""}) {
    const Refusal refusal = RefusalOf(CheckWanted(Forward(), {"scores", name}));
    CHECK(refusal.reason == "UNKNOWN_OUTPUT");
    CHECK(refusal.metadata.at("output") == name);
    CHECK(absl::StrContains(refusal.message, "method 'forward' returns 'scores', 'index'"));
  }
}

TEST_CASE("CheckWanted takes any name where outputs vary", "[request]") {
  MethodSignature method = Forward();
  method.outputs_vary = true;
  CHECK(CheckWanted(method, {"anything"}).ok());
}

TEST_CASE("CheckWanted refuses an output that is asked for twice", "[request]") {
  MethodSignature method = Forward();
  method.outputs_vary = GENERATE(false, true);
  const Refusal refusal = RefusalOf(CheckWanted(method, {"index", "scores", "index"}));
  CHECK(refusal.reason == "DUPLICATE_OUTPUT");
  CHECK(refusal.metadata.at("output") == "index");
}

TEST_CASE("NameOutputs gives outputs the callers' names", "[request]") {
  const auto outputs = NameOutputs(Forward(), {{"scores", Int(1)}, {"output", Int(2)}});
  CHECK(NamesOf(outputs) == std::vector<std::string>{"scores", "index"});
  CHECK(std::get<int64_t>(outputs[1].value.kind) == 2);
}

TEST_CASE("NameOutputs tells swapped names apart", "[request]") {
  MethodSignature method;
  method.outputs = {Spec("b", IntType()), Spec("a", IntType())};
  method.outputs[0].archive_name = "a";
  method.outputs[1].archive_name = "b";
  const auto outputs = NameOutputs(method, {{"a", Int(1)}, {"b", Int(2)}});
  CHECK(NamesOf(outputs) == std::vector<std::string>{"b", "a"});
}

TEST_CASE("PickOutputs gives the outputs wanted in the order wanted, or all", "[request]") {
  const NamedValues named = {{"scores", Int(1)}, {"index", Int(2)}};
  const auto pick = [&named](const std::vector<std::string>& wanted) {
    return NamesOf(PickOutputs(Forward(), named, wanted).value());
  };
  CHECK(pick({}) == std::vector<std::string>{"scores", "index"});
  CHECK(pick({"index"}) == std::vector<std::string>{"index"});
  CHECK(pick({"index", "scores"}) == std::vector<std::string>{"index", "scores"});
}

TEST_CASE("PickOutputs refuses an output that a varying method did not return", "[request]") {
  MethodSignature method = Forward();
  method.outputs_vary = true;
  const Refusal refusal =
      RefusalOf(PickOutputs(method, {{"a", Int(1)}, {"index", Int(2)}}, {"a", "b"}).status());
  CHECK(refusal.reason == "UNKNOWN_OUTPUT");
  CHECK(refusal.message == "unknown output 'b'; method 'forward' returned 'a', 'index'");
}

TEST_CASE("Signature finds a method by its name", "[request]") {
  const Signature signature{.methods = {Forward()}};
  REQUIRE(signature.Find("forward") != nullptr);
  CHECK(signature.Find("forward")->inputs.size() == 3);
  CHECK(signature.Find("embed") == nullptr);
  CHECK(signature.Find("") == nullptr);
}

}  // namespace
}  // namespace torchere
