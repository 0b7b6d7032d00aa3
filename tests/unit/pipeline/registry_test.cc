// SPDX-License-Identifier: Apache-2.0
// The registry over a real loader: here because the two meet in pipeline.
#include "server/registry/registry.h"

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

TEST_CASE("Registry does not serve a model whose model.yaml is wrong") {
  Core core;
  CHECK_FALSE(core.Load("m", 1, Identity, "schema: 2\n").ok());
  CHECK_FALSE(core.registry.IsAvailable("m"));
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
