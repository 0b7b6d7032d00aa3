// SPDX-License-Identifier: Apache-2.0
// What callers and the log are told when a run fails.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/request/error.h"
#include "server/request/utf8.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/torch/ignore_leaks.h"
#include "tests/torch/scripted_module.h"
#include "tests/torch/test_model.h"

namespace torchere {
namespace {

// Whether the model still answers after a failure.
bool StillWorks(const TestModel& model) {
  return model.Ask("forward", {{"x", Floats({1})}}) == absl::StrCat("output=", Show(Floats({2})));
}

// A text for callers holds neither the model's source nor LibTorch's.
void CheckDiscreet(const absl::Status& status) {
  for (const char* secret : {"Traceback", "File \"", "code/", "__torch__", "HERE", ".cpp", "0x"}) {
    CAPTURE(secret);
    CHECK(!absl::StrContains(status.message(), secret));
  }
  CHECK(status.message().size() <= 1024);
  CHECK(IsUtf8(std::string(status.message())));
}

TEST_CASE("A model that raises rejects the request, in its own words", "[torch]") {
  const TestModel model(TestData("failing.pt"));
  const absl::Status status = model.Call("raises", {{"x", Floats({1})}}).status();
  CAPTURE(status.ToString());
  CHECK(absl::IsInvalidArgument(status));
  CHECK(DetailsOf(status).reason == "MODEL_REJECTED");
  CHECK(status.message() == "the model raised ValueError: x is not what this model was trained on");
  CheckDiscreet(status);
  CHECK(absl::StrContains(LogTextOf(status), "Traceback"));
  CHECK(StillWorks(model));
}

TEST_CASE("An assertion of the model rejects the request", "[torch]") {
  const TestModel model(TestData("failing.pt"));
  const absl::Status status = model.Call("asserts", {{"x", Floats({1})}}).status();
  CAPTURE(status.ToString());
  CHECK(DetailsOf(status).reason == "MODEL_REJECTED");
  CHECK(absl::StrContains(status.message(), "x must have two dimensions"));
  CheckDiscreet(status);
}

TEST_CASE("Whatever a model raises, its text can be sent", "[torch]") {
  const TestModel model(TestData("failing.pt"));
  const auto raised = [&model](const std::string& message) {
    const absl::Status status = model.Call("raises_message", {{"message", {message}}}).status();
    CHECK(DetailsOf(status).reason == "MODEL_REJECTED");
    CheckDiscreet(status);
    return std::string(status.message());
  };
  CHECK(raised("") == "the model raised ValueError");
  CHECK(raised("two\nlines") == "the model raised ValueError: two\nlines");
  CHECK(raised("out of memory") == "the model raised ValueError: out of memory");
  CHECK(absl::StartsWith(raised(std::string(100000, 'x')), "the model raised ValueError: xxx"));
  std::string wide = "a";
  for (int i = 0; i < 1000; ++i) wide += "数";
  CHECK(absl::StrContains(raised(wide), "数数"));
}

TEST_CASE("A failure inside the graph is the model's, and only the log knows more", "[torch]") {
  const TestModel model(TestData("failing.pt"));
  struct Failure {
    std::string method;
    NamedValues inputs;
    std::string logged;
  };
  const auto failure = GENERATE(values<Failure>({
      {"looks_up", {{"indices", MakeTensor<int64_t>(DType::kInt64, {1}, {4})}}, "out of range"},
      {"selects",
       {{"x", Floats({1})}, {"indices", MakeTensor<int64_t>(DType::kInt64, {1}, {9})}},
       "out of range"},
      {"list_item", {{"items", {List{Int(1)}}}, {"index", Int(3)}}, "list index out of range"},
      {"map_item", {{"items", {Map{{"a", Int(1)}}}}, {"key", Text("b")}}, "KeyError"},
      {"multiplies", {{"x", MakeTensor<float>(DType::kFp32, {1, 2}, {1, 2})}}, "mat1 and mat2"},
      {"divides", {{"x", Int(1)}, {"y", Int(0)}}, "division"},
  }));
  const absl::Status status = model.Call(failure.method, failure.inputs).status();
  CAPTURE(status.ToString(), LogTextOf(status));
  CHECK(absl::IsInternal(status));
  CHECK(DetailsOf(status).reason == "MODEL_FAILED");
  CHECK(absl::StrContains(status.message(),
                          absl::StrCat("inside the model's method '", failure.method, "' failed")));
  CheckDiscreet(status);
  CHECK(absl::StrContains(LogTextOf(status), failure.logged));
  CHECK(StillWorks(model));
}

TEST_CASE("A model that wants more memory than there is exhausts it, and no more", "[torch]") {
  const TestModel model(TestData("failing.pt"));
  const absl::Status status =
      model.Call("allocates", {{"elements", Int(int64_t{1} << 60)}}).status();
  CAPTURE(status.ToString(), LogTextOf(status));
  CHECK(absl::IsResourceExhausted(status));
  CHECK(DetailsOf(status).reason == "OUT_OF_MEMORY");
  CheckDiscreet(status);
  CHECK(StillWorks(model));
}

TEST_CASE("A return value that cannot be sent is named by its place and type", "[torch]") {
  const TestModel model(TestData("failing.pt"));
  struct Output {
    std::string method;
    bool takes_tensor;
    std::string type;
  };
  const auto output = GENERATE(values<Output>({{"returns_device", false, "Device"},
                                               {"returns_object", false, "Opaque"},
                                               {"returns_enum", false, "Colour"},
                                               {"returns_complex", false, "complex"},
                                               {"returns_complex_tensor", true, "complexfloat"},
                                               {"returns_sparse_tensor", true, "Sparse"},
                                               {"returns_quantized_tensor", true, "QUInt8"},
                                               {"returns_float_keys", false, "Double"},
                                               {"returns_invalid_text", false, "not UTF-8"}}));
  const NamedValues inputs = output.takes_tensor ? NamedValues{{"x", Floats({1})}} : NamedValues{};
  const absl::Status status = model.Call(output.method, inputs).status();
  CAPTURE(status.ToString());
  CHECK(absl::IsInternal(status));
  CHECK(DetailsOf(status).reason == "UNSUPPORTED_OUTPUT");
  CHECK(absl::StrContains(status.message(), output.type));
  CHECK(absl::StartsWith(status.message(), "output "));
  CheckDiscreet(status);
  CHECK(StillWorks(model));
}

TEST_CASE("A value deep in an output that cannot be sent is named by its path", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def forward(self, x: Tensor) -> Tuple[int, Dict[str, List[Tensor]]]:
    return 1, {"masks": [x, torch.complex(x, x)]}
)"));
  const absl::Status status = model.Call("forward", {{"x", Floats({1})}}).status();
  CHECK(absl::StartsWith(status.message(), "output 'output_1'['masks'][1] is a tensor of dtype"));
}

TEST_CASE("A list that contains itself is refused, not followed", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def forward(self) -> List[Any]:
    items: List[Any] = []
    items.append(items)
    items.append(items)
    return items
)"));
  // TorchScript counts references: a list that holds itself is never freed.
  const IgnoreLeaks ignore;
  CHECK(DetailsOf(model.Call("forward", {}).status()).reason == "UNSUPPORTED_OUTPUT");
}

TEST_CASE("An argument of a type that cannot be sent is refused before the run", "[torch]") {
  const TestModel model(TestData("failing.pt"));
  CHECK(DetailsOf(model.Call("takes_device", {{"device", Text("cpu")}}).status()).reason ==
        "UNSUPPORTED_INPUT");
  CHECK(DetailsOf(model.Call("takes_object", {{"x", Int(1)}}).status()).reason ==
        "UNSUPPORTED_INPUT");
}

}  // namespace
}  // namespace torchere
