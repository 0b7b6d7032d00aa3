// SPDX-License-Identifier: Apache-2.0
// Runs on a device that does its work only when somebody waits for it.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <regex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/backend/torch/runtime.h"
#include "server/backend/torch/worker_context.h"
#include "server/backend/torchscript/torchscript_backend.h"
#include "server/executor/device_pool.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"
#include "tests/support/temp_folder.h"
#include "tests/torch/fake_accelerator.h"
#include "tests/torch/scripted_module.h"
#include "tests/torch/test_model.h"

namespace torchere {
namespace {

constexpr Device kFake{.kind = Device::Kind::kPrivate, .index = 0};

constexpr char kScale[] = "def forward(self, x: Tensor) -> Tensor:\n    return x * 2\n";
constexpr char kSame[] = "def forward(self, x: Tensor) -> Tensor:\n    return x\n";

// A worker of the device, and a model on it.
struct OnDevice {
  explicit OnDevice(const std::string& source) {
    ConfigureTorchRuntime({.intra_op_threads = 1});
    backend = MakeTorchScriptBackend();
    fake_accelerator::Reset();
    auto loaded =
        backend->Load(SaveModule(folder.Path("model.pt"), source, {.weight = true}), kFake);
    INFO(loaded.status().ToString());
    REQUIRE(loaded.ok());
    model = *std::move(loaded);
    worker = backend->StartWorker(kFake);
    for (auto& set : staging) set = worker->MakeStaging();
    fake_accelerator::Reset();
  }

  // Begins a run by way of one of the two staging sets.
  absl::StatusOr<BegunRun> Begin(const std::vector<float>& x, size_t set = 0) {
    return model->Begin(method(), Bind(x), *worker, *staging.at(set));
  }

  // A run that is waited for.
  std::string Run(const std::vector<float>& x) {
    const auto outputs = model->Run(method(), Bind(x), *worker);
    return outputs.ok() ? Show(*outputs) : outputs.status().ToString();
  }

  const MethodSignature& method() const { return model->signature().methods[0]; }

  Arguments Bind(const std::vector<float>& x) const {
    auto arguments = BindInputs(method(), {{"x", Floats(x)}});
    REQUIRE(arguments.ok());
    return *std::move(arguments);
  }

  TempFolder folder;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<LoadedModel> model;
  std::unique_ptr<WorkerContext> worker;
  std::array<std::unique_ptr<Staging>, 2> staging;
};

std::string Output(const std::vector<float>& items) { return "output=" + Show(Floats(items)); }

// What memory holds that nothing has been copied to.
const std::string kNothingYet = "output=FP32 [2] ffffffffffffffff";

// The entries without the numbers of streams and events.
std::vector<std::string> Deeds() {
  std::vector<std::string> deeds = fake_accelerator::Diary();
  for (std::string& deed : deeds) deed = std::regex_replace(deed, std::regex("[0-9]+"), "N");
  return deeds;
}

std::string StreamOf(const std::string& entry) { return entry.substr(0, entry.find(' ')); }

TEST_CASE("The devices that LibTorch knows are found beside the CPU", "[torch]") {
  const std::vector<Device> devices = FindDevices();
  CHECK(devices.front() == Device{});
  CHECK(std::count(devices.begin(), devices.end(), kFake) == 1);
  CHECK(Name(kFake) == "privateuseone:0");
}

TEST_CASE("A run that is begun copies in, runs and copies out on one stream, then records an event",
          "[torch]") {
  OnDevice f(kScale);
  const auto run = f.Begin({1, 2});
  REQUIRE(run.ok());
  CHECK(Deeds() == std::vector<std::string>{"sN in", "sN aten::mul.out", "sN out", "sN event N"});
  const std::vector<std::string> diary = fake_accelerator::Diary();
  for (const std::string& entry : diary) CHECK(StreamOf(entry) == StreamOf(diary[0]));
  CHECK(StreamOf(diary[0]) != "s0");
  REQUIRE(run->fence->Wait().ok());
  CHECK(fake_accelerator::Diary().back() == diary.back() + " passed");
}

TEST_CASE("Nothing of a run is there before its event", "[torch]") {
  OnDevice f(kScale);
  const auto run = f.Begin({1, 2});
  REQUIRE(run.ok());
  CHECK(Show(run->outputs) == kNothingYet);
  REQUIRE(run->fence->Wait().ok());
  CHECK(Show(run->outputs) == Output({2, 4}));
}

TEST_CASE("A second run is begun without waiting for the first, and does not disturb it",
          "[torch]") {
  // Where there is nothing but copies, the device has done none of them by then.
  OnDevice f(GENERATE(kScale, kSame));
  const bool scales = f.Run({1, 1}) == Output({2, 2});
  const float by = scales ? 2 : 1;
  fake_accelerator::Reset();
  const auto first = f.Begin({1, 2}, 0);
  const auto second = f.Begin({30, 40}, 1);
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  const auto deeds = Deeds();
  CHECK(std::count(deeds.begin(), deeds.end(), "wait event N") == 0);
  CHECK(Show(second->outputs) == kNothingYet);
  REQUIRE(first->fence->Wait().ok());
  CHECK(Show(first->outputs) == Output({1 * by, 2 * by}));
  CHECK(Show(second->outputs) == kNothingYet);
  REQUIRE(second->fence->Wait().ok());
  CHECK(Show(second->outputs) == Output({30 * by, 40 * by}));
}

TEST_CASE("A staging set is used again once its run's fence is passed", "[torch]") {
  OnDevice f(kSame);
  for (const float x : {1.0F, 2.0F, 3.0F}) {
    const auto run = f.Begin({x, -x});
    REQUIRE(run.ok());
    REQUIRE(run->fence->Wait().ok());
    CHECK(Show(run->outputs) == Output({x, -x}));
  }
}

TEST_CASE("Each worker has a stream of its own", "[torch]") {
  OnDevice f(kScale);
  REQUIRE(f.Run({1, 2}) == Output({2, 4}));
  const std::string stream = StreamOf(fake_accelerator::Diary()[0]);
  fake_accelerator::Reset();
  std::string other;
  std::jthread([&] {
    const std::unique_ptr<WorkerContext> worker = f.backend->StartWorker(kFake);
    const auto outputs = f.model->Run(f.method(), f.Bind({3, 4}), *worker);
    if (outputs.ok()) other = Show(*outputs);
  }).join();
  CHECK(other == Output({6, 8}));
  const std::vector<std::string> diary = fake_accelerator::Diary();
  CHECK(StreamOf(diary[0]) != stream);
  CHECK(StreamOf(diary[0]) != "s0");
}

TEST_CASE("Whatever a method returns comes back from a device as from the CPU", "[torch]") {
  const std::string source = R"(
def forward(self, x: Tensor) -> Tuple[List[Tensor], Dict[str, Tensor], int, Tensor]:
    y = x.reshape(2, 3)
    return [y[0], y.t()], {"sum": y.sum(), "mask": y > 2}, y.size(1), torch.zeros(0)
)";
  OnDevice f(source);
  const std::vector<float> x = {0, 1, 2, 3, 4, 5};
  const TestModel on_cpu(f.folder.Path("model.pt"));
  CHECK(f.Run(x) == on_cpu.Ask("forward", {{"x", Floats(x)}}));
}

TEST_CASE("A method that fails on a device is waited for, and the next run is right", "[torch]") {
  OnDevice f(R"(
def forward(self, x: Tensor) -> Tensor:
    assert bool((x >= 0).all()), "negative"
    return x * 2
)");
  const absl::Status status = f.Begin({-1, 1}).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(DetailsOf(status).reason == "MODEL_REJECTED");
  CHECK(f.Run({1, 2}) == Output({2, 4}));
}

TEST_CASE("Memory that runs out on a device is said, and what is unused can be freed", "[torch]") {
  OnDevice f(kScale);
  fake_accelerator::LimitAllocations(8);
  const absl::Status status = f.Begin({1, 2}).status();
  CHECK(absl::IsResourceExhausted(status));
  CHECK(DetailsOf(status).reason == "OUT_OF_MEMORY");
  fake_accelerator::Reset();
  f.worker->FreeUnused();
  CHECK(fake_accelerator::Diary() == std::vector<std::string>{"empty cache"});
  CHECK(f.Run({1, 2}) == Output({2, 4}));
}

TEST_CASE("A device that fails for good is told from a method that fails", "[torch]") {
  OnDevice f(kScale);
  const auto lost = [](const absl::Status& status) {
    INFO(status.ToString());
    CHECK(absl::IsUnavailable(status));
    CHECK(DetailsOf(status).reason == "DEVICE_LOST");
    CHECK(LogTextOf(status).find("device-side assert") != std::string::npos);
    CHECK(status.message().find("device-side assert") == absl::string_view::npos);
  };
  SECTION("when a run is begun") {
    fake_accelerator::Break();
    lost(f.Begin({1, 2}).status());
    lost(f.model->Run(f.method(), f.Bind({1, 2}), *f.worker).status());
  }
  SECTION("when it is waited for") {
    const auto run = f.Begin({1, 2});
    REQUIRE(run.ok());
    fake_accelerator::Break();
    lost(run->fence->Wait());
  }
  fake_accelerator::Reset();
}

TEST_CASE("A pool of workers answers right on a device that does only what is waited for",
          "[torch]") {
  OnDevice f("def forward(self, x: Tensor) -> Tensor:\n    return x * 2 + 1\n");
  Observer observer;
  DevicePool pool(*f.backend, kFake, 2, observer);
  VersionRuns runs;
  ModelQueue queue(pool, *f.model, runs,
                   {.batched = true, .max_rows = 8, .max_time = std::chrono::hours(1)});
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < 100; ++i) {
        const auto x = static_cast<float>(c * 1000 + i);
        Waiter waiter;
        Request request;
        request.method = &f.method();
        request.arguments = f.Bind({x, -x});
        request.reply = waiter.reply();
        if (!queue.Submit(request).ok()) {
          ++wrong;
          continue;
        }
        const auto answer = waiter.Wait();
        if (!answer.ok() || Show(answer->outputs) != Output({2 * x + 1, -2 * x + 1})) ++wrong;
      }
    });
  }
  clients.clear();
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace torchere
