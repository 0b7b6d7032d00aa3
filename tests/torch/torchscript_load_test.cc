// SPDX-License-Identifier: Apache-2.0
// Which files become models, and how the rest is refused.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/backend/torch/runtime.h"
#include "server/backend/torchscript/torchscript_backend.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/torch/ignore_leaks.h"
#include "tests/torch/scripted_module.h"
#include "tests/torch/test_model.h"
#include "tests/unit/backend/zip_file.h"

namespace torchere {
namespace {

TEST_CASE("A model's signature is what its archive says", "[torch]") {
  const TestModel model(TestData("unseen.pt"));
  REQUIRE(model.signature().methods.size() == 1);
  const MethodSignature& forward = model.signature().methods[0];
  CHECK(forward.name == "forward");
  REQUIRE(forward.inputs.size() == 2);
  CHECK(forward.inputs[0].name == "signals");
  CHECK(forward.inputs[0].type.text == "Dict[str, Tensor]");
  CHECK(!forward.inputs[0].has_default);
  CHECK(forward.inputs[1].name == "top");
  CHECK(forward.inputs[1].type.kind == ValueType::Kind::kInt);
  CHECK(Show(*forward.inputs[1].default_value) == "2");
  CHECK(!forward.outputs_vary);
  REQUIRE(forward.outputs.size() == 2);
  CHECK(forward.outputs[0].name == "scores");
  CHECK(forward.outputs[1].name == "names");
  CHECK(forward.outputs[1].type.text == "List[str]");
  CHECK(forward.returns.text == "Ranking(scores: Tensor, names: List[str])");
}

TEST_CASE("A method is straight if neither a loop nor what is in a tensor says how long it runs",
          "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def forward(self, x: Tensor) -> Tensor:
    if x.dim() > 2:
        x = x.relu() + 1
    return x
def chooses(self, x: Tensor) -> Tensor:
    if bool(x.sum() > 0):
        x = x.relu() + 1
    return x
def makes(self, x: Tensor) -> Tensor:
    return x.new_zeros([int(x[0])])
def calls(self, x: Tensor, n: int) -> Tensor:
    return self.repeats(x, n)
def repeats(self, x: Tensor, n: int) -> Tensor:
    for i in range(n):
        x = x + i
    return x
)"));
  CHECK(model.signature().Find("forward")->is_straight);
  for (const char* method : {"chooses", "makes", "repeats"}) {
    INFO(method);
    CHECK_FALSE(model.signature().Find(method)->is_straight);
  }
  CHECK_FALSE(model.signature().Find("calls")->is_straight);
}

TEST_CASE("A signature has forward first, no private methods, and names for the outputs",
          "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def embed(this, x: Tensor) -> Tuple[Tensor, int]:
    return x, 1
def forward(self, x: Tensor) -> Dict[str, Tensor]:
    return {"x": self._private(x)}
def count(self, *, n: int) -> Dict[int, int]:
    return {n: n}
def _private(self, x: Tensor) -> Tensor:
    return x
)"));
  const std::vector<MethodSignature>& methods = model.signature().methods;
  REQUIRE(methods.size() == 3);
  CHECK(methods[0].name == "forward");
  CHECK(methods[0].outputs_vary);
  CHECK(methods[0].outputs.empty());
  CHECK(methods[1].name == "count");
  CHECK(methods[1].inputs[0].name == "n");
  REQUIRE(methods[1].outputs.size() == 1);
  CHECK(methods[1].outputs[0].name == "output");
  CHECK(methods[2].name == "embed");
  REQUIRE(methods[2].inputs.size() == 1);
  CHECK(methods[2].inputs[0].name == "x");
  REQUIRE(methods[2].outputs.size() == 2);
  CHECK(methods[2].outputs[1].name == "output_1");
  CHECK(methods[2].outputs[1].type.kind == ValueType::Kind::kInt);
}

TEST_CASE("Every method of a model can be called", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def scaled(self, x: Tensor, *, by: int) -> Tensor:
    return self.forward(x) * by
def forward(self, x: Tensor) -> Tensor:
    return x + self.weight
def nothing(self):
    pass
)",
                                   {.weight = true}));
  const NamedValue x{"x", Floats({1, 1, 1})};
  CHECK(model.Ask("forward", {x}) == absl::StrCat("output=", Show(Floats({2, 3, 4}))));
  CHECK(model.Ask("scaled", {{"by", Int(10)}, x}) ==
        absl::StrCat("output=", Show(Floats({20, 30, 40}))));
  CHECK(model.Ask("nothing", {}) == "output=null");
}

TEST_CASE("A model without forward is served by its other methods", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"),
                                   "def embed(self, x: Tensor) -> Tensor:\n"
                                   "    return x + self.weight\n",
                                   {.weight = true}));
  CHECK(model.Ask("embed", {{"x", Floats({1, 1, 1})}}) ==
        absl::StrCat("output=", Show(Floats({2, 3, 4}))));
}

TEST_CASE("A model saved in training mode is served in evaluation mode", "[torch]") {
  const TempFolder folder;
  const TestModel model(
      SaveModule(folder.Path("model.pt"),
                 "def forward(self, x: Tensor) -> Tuple[Tensor, bool]:\n"
                 "    return torch.dropout(x, 0.5, self.training), self.training\n",
                 {.training = true}));
  const Value x = Floats(std::vector<float>(64, 1.0F));
  CHECK(model.Ask("forward", {{"x", x}}) == absl::StrCat("output_0=", Show(x), " output_1=false"));
}

TEST_CASE("A file that is no model is refused with what it is", "[torch]") {
  struct Broken {
    std::string file;
    std::string text;
  };
  const auto broken = GENERATE(values<Broken>({{"empty.pt", "is empty"},
                                               {"truncated.pt", "is truncated"},
                                               {"corrupt.pt", "damaged"},
                                               {"garbage.pt", "no zip file"},
                                               {"text.pt", "no zip file"},
                                               {"lfs_pointer.pt", "Git LFS pointer"},
                                               {"state_dict.pt", "state_dict"},
                                               {"eager.pt", "torch.save"},
                                               {"legacy.pt", "pickle"},
                                               {"exported.pt2", "torch.export"},
                                               {"syntax_error.pt", "cannot be read by LibTorch"}}));
  const std::string path = TestData(absl::StrCat("broken/", broken.file));
  const absl::Status status = TestModel::LoadError(path);
  CAPTURE(status.ToString(), LogTextOf(status));
  CHECK(absl::IsInvalidArgument(status));
  CHECK(absl::StrContains(status.message(), path));
  CHECK(absl::StrContains(status.message(), broken.text));
  CHECK(!absl::StrContains(status.message(), "\n"));
}

TEST_CASE("A file that is not there is not found", "[torch]") {
  CHECK(absl::IsNotFound(TestModel::LoadError(TestData("absent.pt"))));
}

TEST_CASE("A model that needs an unknown operator says which, and what to do", "[torch]") {
  // LibTorch never frees a module that it has compiled in part.
  const IgnoreLeaks ignore;
  const absl::Status status = TestModel::LoadError(TestData("broken/unknown_operator.pt"));
  CAPTURE(status.ToString());
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(absl::StrContains(status.message(), "aten::adds"));
  CHECK(absl::StrContains(status.message(), "needs a newer LibTorch"));
}

TEST_CASE("An AOTInductor package is refused as not served yet", "[torch]") {
  const TempFolder folder;
  const absl::Status status = TestModel::LoadError(
      WriteZip(folder.Path("model.pt2"), {{"m/data/aotinductor/model/a.wrapper.so"}}));
  CHECK(absl::IsInvalidArgument(status));
  CHECK(absl::StrContains(status.message(), "AOTInductor"));
  CHECK(absl::StrContains(status.message(), "not serve yet"));
}

TEST_CASE("An archive with the right names and no content is refused, not run", "[torch]") {
  const TempFolder folder;
  const absl::Status status = TestModel::LoadError(
      WriteZip(folder.Path("model.pt"),
               {{"m/data.pkl"}, {"m/code/__torch__.py"}, {"m/constants.pkl"}, {"m/version", "3"}}));
  CAPTURE(status.ToString(), LogTextOf(status));
  CHECK(absl::IsInvalidArgument(status));
  CHECK(absl::StrContains(status.message(), "cannot be read by LibTorch"));
}

TEST_CASE("A model is not loaded onto a device that is not there", "[torch]") {
  const absl::Status status =
      MakeTorchScriptBackend()
          ->Load(TestData("types.pt"), {.kind = Device::Kind::kCuda, .index = 99})
          .status();
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(absl::StrContains(status.message(), "cuda:99"));
}

TEST_CASE("The runtime knows its version and at least the CPU", "[torch]") {
  ConfigureTorchRuntime({.intra_op_threads = 2});
  ConfigureTorchRuntime({.intra_op_threads = 1});
  const std::string version = LibTorchVersion();
  CHECK(std::count(version.begin(), version.end(), '.') == 2);
  REQUIRE(!FindDevices().empty());
  CHECK(FindDevices()[0] == Device{});
  CHECK(MakeTorchScriptBackend()->name() == "torchscript");
}

}  // namespace
}  // namespace torchere
