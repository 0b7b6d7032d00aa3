// SPDX-License-Identifier: Apache-2.0
// The registry over a real loader: here because the two meet in pipeline.
#include "server/registry/registry.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/core.h"

namespace torchere {
namespace {

TEST_CASE("Registry gives the newest version unless another is asked for") {
  Core core;
  REQUIRE(core.Load("m", 2, Identity).ok());
  REQUIRE(core.Load("m", 10, Identity).ok());
  CHECK(core.registry.Acquire({.name = "m"})->status().version == 10);
  CHECK(core.registry.Acquire({.name = "m", .choice = int64_t{2}})->status().version == 2);
}

TEST_CASE("Registry keeps a version that cannot be loaded at END with its error") {
  Core core;
  REQUIRE(core.Load("good", 1, Identity).ok());
  const std::string path = core.folder.Write("bad/1/model.pt", "broken");
  CHECK_FALSE(core.registry.Load({"bad", "", {{1, path}}}).ok());

  const auto status = core.registry.StatusOf({.name = "bad"});
  REQUIRE(status.ok());
  CHECK(status->versions.at(0).state == ModelState::kEnd);
  CHECK(status->versions.at(0).error.message().find("broken") != absl::string_view::npos);

  const absl::Status refused = core.registry.Acquire({.name = "bad"}).status();
  CHECK(absl::IsFailedPrecondition(refused));
  CHECK(DetailsOf(refused).reason == "VERSION_NOT_SERVED");
  CHECK(refused.message().find("is broken") != absl::string_view::npos);
  CHECK(core.registry.IsAvailable("good"));
  CHECK_FALSE(core.registry.IsAvailable("bad"));
}

TEST_CASE("A version of which a run hangs is AVAILABLE, with the reason why it takes no requests") {
  std::promise<void> started, released;
  Core core;
  REQUIRE(core.Load("m", 4,
                    [&](const Arguments& arguments) {
                      started.set_value();
                      released.get_future().wait();
                      return Identity(arguments);
                    })
              .ok());
  Waiter hanging;
  core.pipeline.Submit(RequestFor("m", {1}, hanging));
  started.get_future().wait();
  CHECK(core.registry.IsAvailable("m"));
  core.pools.Find(Device{})->FindHanging(std::chrono::minutes(1), Now() + std::chrono::minutes(1));

  const VersionStatus version = core.registry.StatusOf({.name = "m"})->versions.at(0);
  CHECK(version.state == ModelState::kAvailable);
  CHECK(DetailsOf(version.error).reason == "MODEL_HANGS");
  CHECK_FALSE(core.registry.IsAvailable("m"));
  const absl::Status refused = core.Ask("m", {1}).status();
  CHECK(absl::IsUnavailable(refused));
  CHECK(refused.message().find("model 'm' version 4: a run of it on cpu hangs") == 0);

  released.set_value();
  CHECK(hanging.Wait().ok());
  CHECK(core.registry.StatusOf({.name = "m"})->versions.at(0).error.ok());
  CHECK(core.registry.IsAvailable("m"));
}

TEST_CASE("Registry does not serve a model whose model.yaml is wrong") {
  Core core;
  CHECK_FALSE(core.Load("m", 1, Identity, "schema: 2\n").ok());
  CHECK_FALSE(core.registry.IsAvailable("m"));
}

TEST_CASE("A model is tried on its samples before it is served") {
  Core core;
  // [2, 3], and other arrays that the method does not take.
  std::filesystem::create_directories(core.folder.Path("m"));
  std::filesystem::copy_file(std::string(TORCHERE_SOURCE) + "/tests/data/sample.npz",
                             core.folder.Path("m/s.npz"));
  SECTION("one of no method ends the load") {
    const absl::Status status =
        core.Load("m", 1, Identity, "schema: 1\nwarmup: {samples: [s.npz]}\n");
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find("s.npz' is a sample of no method: unknown input 'ids'") !=
          absl::string_view::npos);
  }
  SECTION("one that is not there too") {
    const absl::Status status =
        core.Load("m", 1, Identity, "schema: 1\nwarmup: {samples: [t.npz]}\n");
    CHECK(status.message().find("t.npz' does not exist") != absl::string_view::npos);
  }
  SECTION("no method is tried once the time is over") {
    std::atomic<int> runs = 0;
    const auto run = [&runs](const Arguments& arguments) {
      ++runs;
      return Identity(arguments);
    };
    const std::string inputs = "schema: 1\ninputs: [{name: x, dtype: FP32, shape: [-1]}]\n";
    REQUIRE(core.Load("m", 1, run, inputs + "warmup: {time_limit: 0s}\n").ok());
    CHECK(runs == 0);
    const ModelHandle first = *core.registry.Acquire({.name = "m"});
    CHECK(first.served().run_costs(first.served().signature().methods[0]).empty());
    REQUIRE(core.Load("n", 1, run, inputs).ok());
    CHECK(runs > 0);
    const ModelHandle second = *core.registry.Acquire({.name = "n"});
    CHECK_FALSE(second.served().run_costs(second.served().signature().methods[0]).empty());
  }
}

TEST_CASE("Registry lists models by name, their versions newest first") {
  Core core;
  REQUIRE(core.Load("b", 1, Identity).ok());
  REQUIRE(core.Load("a", 1, Identity).ok());
  REQUIRE(core.Load("a", 3, Identity).ok());
  const auto models = core.registry.List();
  REQUIRE(models.size() == 2);
  CHECK(models[0].name == "a");
  REQUIRE(models[0].versions.size() == 2);
  CHECK(models[0].versions[0].version == 3);
  CHECK(models[0].versions[0].file_bytes == 4);
  CHECK(models[0].versions[0].device == "cpu");
  CHECK(models[0].versions[0].backend == "fake");
  CHECK(models[1].name == "b");
}

TEST_CASE("Registry's status refuses what there is not") {
  Core core;
  REQUIRE(core.Load("m", 1, Identity).ok());
  CHECK(DetailsOf(core.registry.StatusOf({.name = "n"}).status()).reason == "MODEL_NOT_FOUND");
  CHECK(DetailsOf(core.registry.StatusOf({.name = "m", .choice = int64_t{5}}).status()).reason ==
        "VERSION_NOT_FOUND");
  CHECK(DetailsOf(core.registry.StatusOf({.name = "m", .choice = std::string("x")}).status())
            .reason == "LABEL_NOT_FOUND");
}

}  // namespace
}  // namespace torchere
