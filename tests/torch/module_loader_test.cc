// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torchscript/module_loader.h"

#include <string>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/torch/scripted_module.h"
#include "tests/torch/test_model.h"

namespace torchere {
namespace {

OutputMemory OutputMemoryOf(const std::string& path) {
  const absl::StatusOr<ServableModule> servable = LoadModule(path, Device{});
  INFO(servable.status().ToString());
  REQUIRE(servable.ok());
  return servable->output_memory;
}

TEST_CASE("A module that writes none of its attributes is frozen, with all its methods",
          "[torch]") {
  const TempFolder folder;
  const std::string path = SaveModule(folder.Path("model.pt"), R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.dropout(x + self.weight, 0.5, self.training)
def twice(self, x: Tensor) -> Tensor:
    return self.forward(x) * 2
)",
                                      {.weight = true, .training = true});
  const absl::StatusOr<ServableModule> servable = LoadModule(path, Device{});
  REQUIRE(servable.ok());
  CHECK(servable->output_memory == OutputMemory::kShare);
  CHECK(servable->module.parameters(/*recurse=*/true).size() == 0);
  CHECK(servable->module.find_method("twice").has_value());
  CHECK(OutputMemoryOf(TestData("types.pt")) == OutputMemory::kShare);
  CHECK(OutputMemoryOf(TestData("views.pt")) == OutputMemory::kShare);
  CHECK(OutputMemoryOf(TestData("unseen.pt")) == OutputMemory::kShare);
}

TEST_CASE("A module that writes an attribute in any method lends none of its memory", "[torch]") {
  const TempFolder folder;
  const std::string body = GENERATE(as<std::string>(), "self.calls.add_(1)", "self.calls += 1",
                                    "self.calls = x", "self.calls[0] = 1");
  const std::string path =
      SaveModule(folder.Path("model.pt"),
                 "def forward(self, x: Tensor) -> Tensor:\n    return x + self.calls\n"
                 "def step(self, x: Tensor) -> Tensor:\n    " +
                     body + "\n    return self.calls\n",
                 {.calls = true});
  CHECK(OutputMemoryOf(path) == OutputMemory::kCopy);
  CHECK(OutputMemoryOf(TestData("stateful.pt")) == OutputMemory::kCopy);
}

}  // namespace
}  // namespace torchere
