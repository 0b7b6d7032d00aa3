// SPDX-License-Identifier: Apache-2.0
// Runs beside and after each other: what they share and what they must not.
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/torch/scripted_module.h"
#include "tests/torch/test_model.h"

namespace torchere {
namespace {

TEST_CASE("Eight workers that run one fresh model at a time get the right answers", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def forward(self, x: Tensor, words: List[str]) -> Dict[str, Tensor]:
    y = torch.relu(x + self.weight)
    out: Dict[str, Tensor] = {}
    for i, word in enumerate(words):
        out[word] = y * (i + 1)
    return out
)",
                                   {.weight = true}));
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> workers;
    for (int w = 0; w < 8; ++w) {
      workers.emplace_back([&model, &wrong, w] {
        for (int i = 0; i < 100; ++i) {
          const auto f = static_cast<float>(w * 1000 + i);
          const auto outputs = model.Call(
              "forward", {{"x", Floats({f, f, f})}, {"words", {List{Text("a"), Text("b")}}}});
          const std::string expected =
              absl::StrCat("a=", Show(Floats({f + 1, f + 2, f + 3})),
                           " b=", Show(Floats({2 * f + 2, 2 * f + 4, 2 * f + 6})));
          if (!outputs.ok() || Show(*outputs) != expected) ++wrong;
        }
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("Models can be loaded by several threads at a time", "[torch]") {
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> loaders;
    for (int i = 0; i < 4; ++i) {
      loaders.emplace_back([&wrong] {
        if (!absl::IsInvalidArgument(TestModel::LoadError(TestData("broken/syntax_error.pt")))) {
          ++wrong;
        }
        if (!TestModel::LoadError(TestData("types.pt")).ok()) ++wrong;
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("Outputs stay what they are when the model has gone", "[torch]") {
  const TempFolder folder;
  std::optional<TestModel> model(SaveModule(folder.Path("model.pt"), R"(
def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    return x, self.weight, self.weight + x
)",
                                            {.weight = true}));
  absl::StatusOr<NamedValues> outputs = model->Call("forward", {{"x", Floats({1, 1, 1})}});
  REQUIRE(outputs.ok());
  model.reset();
  CHECK(Show(*outputs) == absl::StrCat("output_0=", Show(Floats({1, 1, 1})),
                                       " output_1=", Show(Floats({1, 2, 3})),
                                       " output_2=", Show(Floats({2, 3, 4}))));
}

TEST_CASE("A model that writes into its input does not change the request's bytes", "[torch]") {
  const TestModel model(TestData("inplace.pt"));
  const Value x = Floats({1, 2});
  for (int i = 0; i < 2; ++i) {
    CHECK(model.Ask("forward", {{"x", x}}) == absl::StrCat("output=", Show(Floats({2, 4}))));
  }
  CHECK(Show(x) == Show(Floats({1, 2})));
  CHECK(model.Ask("twice", {{"x", x}}) ==
        absl::StrCat("output_0=", Show(x), " output_1=", Show(x)));
}

TEST_CASE("A model keeps its state from run to run", "[torch]") {
  const TestModel model(TestData("stateful.pt"));
  for (float calls = 1; calls <= 3; ++calls) {
    CHECK(model.Ask("forward", {{"x", Floats({0})}}) ==
          absl::StrCat("output=", Show(Floats({calls}))));
    CHECK(model.Ask("forward_with_buffer", {{"x", Floats({0})}}) ==
          absl::StrCat("output=", Show(Floats({calls}))));
  }
  CHECK(model.Ask("count", {}) == "output=3");
}

TEST_CASE("An answer does not change when a later run changes the model's state", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"),
                                   "def forward(self) -> Tensor:\n"
                                   "    self.calls.add_(1)\n"
                                   "    return self.calls\n",
                                   {.calls = true}));
  const auto first = model.Call("forward", {});
  const auto second = model.Call("forward", {});
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  CHECK(Show(*first) ==
        absl::StrCat("output=", Show(MakeTensor<int64_t>(DType::kInt64, {1}, {1}))));
  CHECK(Show(*second) ==
        absl::StrCat("output=", Show(MakeTensor<int64_t>(DType::kInt64, {1}, {2}))));
}

// What f() writes to stdout.
template <typename F>
std::string StdoutOf(F f) {
  std::fflush(stdout);
  std::FILE* file = std::tmpfile();
  const int saved = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  f();
  std::fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  std::rewind(file);
  std::array<char, 256> text{};
  const size_t size = std::fread(text.data(), 1, text.size(), file);
  std::fclose(file);
  return std::string(text.data(), size);
}

TEST_CASE("What a model prints does not go to stdout", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(
      folder.Path("model.pt"), "def forward(self):\n    print(\"printed by a test's model\")\n"));
  CHECK(StdoutOf([&model] { (void)model.Call("forward", {}); }).empty());
}

}  // namespace
}  // namespace torchere
