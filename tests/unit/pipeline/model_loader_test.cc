// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/model_loader.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/core.h"

namespace torchere {
namespace {

// A core with two devices beside the CPU, which are one FakeDevice.
struct CoreWithDevices : Core {
  CoreWithDevices() {
    backend.there.push_back({Device::Kind::kCuda, 0});
    backend.there.push_back({Device::Kind::kCuda, 1});
    backend.device = &device;
  }

  FakeDevice device;
};

// A core's pools look for devices when they are made: named ones are looked for
// later.
TEST_CASE("A model runs on the devices that its model.yaml names, and says so") {
  CoreWithDevices core;
  core.device.Allow();
  REQUIRE(core.Load("m", 1, Identity, "schema: 1\ndevices: [cuda:1, cpu]\n").ok());
  CHECK(core.registry.StatusOf({.name = "m"})->versions.at(0).device == "cuda:1,cpu");
  const auto answer = core.Ask("m", {1, 2});
  REQUIRE(answer.ok());
  CHECK(Floats(answer->outputs.at(0).value) == std::vector<float>{1, 2});
}

TEST_CASE("A request goes to the device that will answer first") {
  CoreWithDevices core;
  REQUIRE(core.Load("m", 1, Identity, "schema: 1\ndevices: [cuda:0, cpu]\n").ok());
  // The device does nothing yet: what it has been given keeps it busy.
  Waiter first;
  core.pipeline.Submit(RequestFor("m", {1}, first));
  core.device.AwaitBegun(1);
  CHECK(Floats(core.Ask("m", {2})->outputs.at(0).value) == std::vector<float>{2});
  core.device.Allow();
  CHECK(Floats(first.Wait()->outputs.at(0).value) == std::vector<float>{1});
  CHECK(core.device.diary().size() == 3);
}

TEST_CASE("A request that the first device refuses is taken by another") {
  CoreWithDevices core;
  REQUIRE(core.Load("m", 1, Identity, "schema: 1\ndevices: [cuda:0, cpu]\n").ok());
  Waiter lost;
  core.pipeline.Submit(RequestFor("m", {1}, lost));
  core.device.AwaitBegun(1);
  core.device.Break(
      Refuse(absl::StatusCode::kUnavailable, "it has failed", {.reason = "DEVICE_LOST"}));
  CHECK(DetailsOf(lost.Wait().status()).reason == "DEVICE_LOST");
  for (float x = 0; x < 8; ++x) CHECK(core.Ask("m", {x}).ok());
}

TEST_CASE("A model whose runs are long is lent idle cores, and its load says what that gains") {
  Core core;
  int threads = 0;
  const auto run = [&threads](const Arguments& arguments) {
    threads = FakeContext::ThreadsHere();
    const Time until = Now() + 4 * kLeastLent / (threads * threads);
    while (Now() < until) continue;
    return Identity(arguments);
  };
  REQUIRE(core.Load("m", 1, run, "schema: 1\ninputs: [{name: x, dtype: FP32, shape: [1]}]\n").ok());
  REQUIRE(core.Ask("m", {1}).ok());
  CHECK(threads == 2);
  const ModelHandle handle = *core.registry.Acquire({.name = "m"});
  CHECK(handle.served().findings().at(0).find("; with 2 threads it takes 0.") != std::string::npos);
}

TEST_CASE("A model.yaml that names a device that is not there is refused with the file's name") {
  Core core;
  const absl::Status status = core.Load("m", 1, Identity, "schema: 1\ndevices: [cuda:3]\n");
  CHECK(DetailsOf(status).reason == "DEVICE_NOT_FOUND");
  CHECK(status.message().find("m/model.yaml: devices: there is no device cuda:3 here; there are: "
                              "cpu") != absl::string_view::npos);
}

TEST_CASE("A model whose file is larger than limits.memory allows is not read") {
  Core core;
  const absl::Status status = core.Load("m", 1, Identity, "schema: 1\nlimits: {memory: 3}\n");
  CHECK(absl::IsResourceExhausted(status));
  CHECK(status.message().find("has 4 bytes, limits.memory allows 3") != absl::string_view::npos);
  CHECK(core.Load("n", 1, Identity, "schema: 1\nlimits: {memory: 4}\n").ok());
}

TEST_CASE("No more runs of a model go on at a time than limits.concurrency allows") {
  Core core;
  std::atomic<int> running = 0, most = 0;
  const auto run = [&running, &most](const Arguments& x) {
    most = std::max(most.load(), ++running);
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    --running;
    return Identity(x);
  };
  REQUIRE(core.Load("m", 1, run, "schema: 1\nlimits: {concurrency: 1}\n").ok());
  std::vector<std::jthread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&core] {
      for (float x = 0; x < 50; ++x) core.Ask("m", {x}).IgnoreError();
    });
  }
  callers.clear();
  CHECK(most == 1);
}

TEST_CASE("Answers that are bit-equal are not promised of devices that round otherwise") {
  CoreWithDevices core;
  core.device.Allow();
  const absl::Status status =
      core.Load("m", 1, Identity, "schema: 1\nbatch_invariant: true\ndevices: [cpu, cuda:1]\n");
  CHECK(absl::IsInvalidArgument(status));
  CHECK(status.message().find("batch_invariant: cpu and cuda:1") != absl::string_view::npos);
  CHECK(core.Load("n", 1, Identity, "schema: 1\nbatch_invariant: true\ndevices: [cuda:0, cuda:1]\n")
            .ok());
}

TEST_CASE("A stateful model has one state: it runs on the first of the server's devices") {
  CoreWithDevices core;
  DevicePools two(core.backend, core.observer, {});
  ModelLoader loader(core.backend, two);
  core.device.Allow();
  core.backend.files["f"] = Identity;
  const auto version = loader.Load("f", {.stateful = true});
  REQUIRE(version.ok());
  CHECK((*version)->device() == "cuda:0");
  CHECK((*loader.Load("f", {}))->device() == "cuda:0,cuda:1");
}

}  // namespace
}  // namespace torchere
