// SPDX-License-Identifier: Apache-2.0
#include "server/registry/repository.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

Repository Scan(const TempFolder& folder) {
  const auto repository = ScanRepository(folder.Path());
  INFO(repository.status());
  REQUIRE(repository.ok());
  return *repository;
}

// The one warning of a repository that serves `good` beside what it warns of.
std::string OnlyWarning(const TempFolder& folder) {
  folder.Write("good/1/model.pt");
  const Repository repository = Scan(folder);
  REQUIRE(repository.models.size() == 1);
  CHECK(repository.models[0].name == "good");
  REQUIRE(repository.warnings.size() == 1);
  return repository.warnings[0];
}

std::string ErrorOf(const TempFolder& folder) {
  const auto repository = ScanRepository(folder.Path());
  CHECK(absl::IsInvalidArgument(repository.status()));
  return std::string(repository.status().message());
}

TEST_CASE("ScanRepository lists models by name and versions newest first", "[registry]") {
  const TempFolder folder;
  folder.Write("wine/2/model.pt");
  folder.Write("wine/10/model.pt");
  folder.Write("wine/9/model.pt");
  folder.Write("wine/model.yaml");
  folder.Write("digits/9223372036854775807/model.pt");
  const Repository repository = Scan(folder);
  CHECK(repository.warnings.empty());
  REQUIRE(repository.models.size() == 2);

  const ModelSource& digits = repository.models[0];
  CHECK(digits.name == "digits");
  CHECK(digits.config_path.empty());
  REQUIRE(digits.versions.size() == 1);
  CHECK(digits.versions[0].version == INT64_MAX);

  const ModelSource& wine = repository.models[1];
  CHECK(wine.name == "wine");
  CHECK(wine.config_path == folder.Path("wine/model.yaml"));
  REQUIRE(wine.versions.size() == 3);
  CHECK(wine.versions[0].version == 10);
  CHECK(wine.versions[0].path == folder.Path("wine/10/model.pt"));
  CHECK(wine.versions[1].version == 9);
  CHECK(wine.versions[2].version == 2);
}

TEST_CASE("ScanRepository says nothing of what is no model", "[registry]") {
  const TempFolder folder;
  folder.Write("good/1/model.pt");
  folder.Write("good/train.py");
  folder.Write("good/samples/one.npy");
  folder.Write("good/.git/1/model.pt");
  folder.Write(".cache/1/model.pt");
  folder.Write("data/numbers.csv");
  folder.Write("my notes/todo.txt");
  folder.Write("README.md");
  folder.MakeFolder("empty");
  const Repository repository = Scan(folder);
  CHECK(repository.models.size() == 1);
  CHECK(repository.warnings.empty());
}

TEST_CASE("ScanRepository reads a mounted ConfigMap, which is made of links", "[registry]") {
  const TempFolder folder;
  folder.Write("good/..2024_05_01/model.yaml");
  folder.Write("good/..2024_05_01/1/model.pt");
  folder.Link("good/..data", "..2024_05_01");
  folder.Link("good/model.yaml", "..data/model.yaml");
  folder.Link("good/1", "..data/1");
  folder.Link("same", "good");
  const Repository repository = Scan(folder);
  CHECK(repository.warnings.empty());
  REQUIRE(repository.models.size() == 2);
  for (const ModelSource& model : repository.models) {
    CHECK(model.config_path == folder.Path(model.name + "/model.yaml"));
    REQUIRE(model.versions.size() == 1);
    CHECK(model.versions[0].path == folder.Path(model.name + "/1/model.pt"));
  }
}

TEST_CASE("ScanRepository keeps a file whose link is broken, so that its load fails aloud",
          "[registry]") {
  const TempFolder folder;
  folder.MakeFolder("good/1");
  folder.Link("good/1/model.pt", "gone");
  folder.Link("good/model.yaml", "gone");
  const Repository repository = Scan(folder);
  REQUIRE(repository.models.size() == 1);
  CHECK(repository.models[0].versions.size() == 1);
  CHECK(repository.models[0].config_path == folder.Path("good/model.yaml"));
}

TEST_CASE("ScanRepository warns of a version's folder that is no version, and says what is one",
          "[registry]") {
  const auto [name, right] =
      GENERATE(std::pair("v2", "'2'"), std::pair("007", "'7'"), std::pair("0", "'1'"),
               std::pair("+3", "'3'"), std::pair("-1", "'1'"), std::pair("latest", "'1'"),
               std::pair("9223372036854775808", "'1'"), std::pair("1 ", "'1'"));
  const TempFolder folder;
  folder.Write(std::string("digits/") + name + "/model.pt");
  const std::string warning = OnlyWarning(folder);
  INFO(warning);
  CHECK(absl::StrContains(warning, std::string("'") + name + "' is no version"));
  CHECK(absl::StrContains(warning, folder.Path("digits")));
  CHECK(absl::StrContains(warning, std::string("to ") + right));
}

TEST_CASE("ScanRepository serves the versions beside a folder that it warns of", "[registry]") {
  const TempFolder folder;
  folder.Write("good/v2/model.pt");
  CHECK(absl::StrContains(OnlyWarning(folder), "'v2' is no version"));
}

TEST_CASE("ScanRepository warns of what looks like a model and is not served", "[registry]") {
  const TempFolder folder;
  SECTION("a model.pt outside a version's folder") {
    folder.Write("digits/model.pt");
    const std::string warning = OnlyWarning(folder);
    CHECK(absl::StrContains(warning, folder.Path("digits/model.pt")));
    CHECK(absl::StrContains(warning, "move it to " + folder.Path("digits/1/model.pt")));
  }
  SECTION("a model.pt outside a model's folder") {
    folder.Write("model.pt");
    CHECK(absl::StrContains(OnlyWarning(folder), "--model=NAME=FILE"));
  }
  SECTION("a version with a model.pt2 alone") {
    folder.Write("digits/2/model.pt2");
    const std::string warning = OnlyWarning(folder);
    CHECK(absl::StrContains(warning, folder.Path("digits/2/model.pt2")));
    CHECK(absl::StrContains(warning, "not supported yet"));
  }
  SECTION("a version without a file") {
    folder.MakeFolder("digits/2");
    CHECK(absl::StrContains(OnlyWarning(folder), folder.Path("digits/2") + " is not served"));
  }
  SECTION("a model.pt that is a folder") {
    folder.MakeFolder("digits/2/model.pt");
    CHECK(absl::StrContains(OnlyWarning(folder), folder.Path("digits/2") + " is not served"));
  }
  SECTION("a model.yaml without a version") {
    folder.Write("digits/model.yaml");
    CHECK(absl::StrContains(OnlyWarning(folder), folder.Path("digits/1/model.pt")));
  }
  SECTION("a model.yml") {
    folder.Write("good/model.yml");
    CHECK(absl::StrContains(OnlyWarning(folder), "rename it to model.yaml"));
  }
  SECTION("a model of a name that is none") {
    folder.Write("my digits/1/model.pt");
    const std::string warning = OnlyWarning(folder);
    CHECK(absl::StrContains(warning, folder.Path("my digits")));
    CHECK(absl::StrContains(warning, "a model's name is"));
  }
  SECTION("a name with a line break, without breaking the line") {
    folder.Write("two\nlines/1/model.pt");
    CHECK(absl::StrContains(OnlyWarning(folder), "two\\nlines"));
  }
}

TEST_CASE("ScanRepository prefers the model.pt where there is a model.pt2 too", "[registry]") {
  const TempFolder folder;
  folder.Write("good/1/model.pt");
  folder.Write("good/1/model.pt2");
  CHECK(Scan(folder).warnings.empty());
}

TEST_CASE("ScanRepository refuses a repository without a model", "[registry]") {
  const TempFolder folder;
  SECTION("an empty one: it says what it looked for") {
    const std::string error = ErrorOf(folder);
    CHECK(absl::StrContains(error, folder.Path() + " holds no model"));
    CHECK(absl::StrContains(error, "NAME/VERSION/model.pt"));
    CHECK(absl::StrContains(error, folder.Path("NAME/1/model.pt")));
    CHECK_FALSE(absl::StrContains(error, "--model="));
  }
  SECTION("one with folders that are almost models: it says why they are none") {
    folder.Write("digits/v1/model.pt");
    CHECK(absl::StrContains(ErrorOf(folder), "'v1' is no version"));
  }
  SECTION("a folder with a single file: it says how to serve that") {
    folder.Write("digits/model.pt");
    const auto repository = ScanRepository(folder.Path("digits"));
    CHECK(absl::IsInvalidArgument(repository.status()));
    CHECK(absl::StrContains(repository.status().message(),
                            "--model=digits=" + folder.Path("digits/model.pt")));
  }
  SECTION("a version's folder: it takes the model's name from the folder above") {
    folder.Write("digits/3/model.pt");
    const auto repository = ScanRepository(folder.Path("digits/3"));
    CHECK(absl::IsInvalidArgument(repository.status()));
    CHECK(absl::StrContains(repository.status().message(),
                            "--model=digits=" + folder.Path("digits/3/model.pt")));
  }
  SECTION("a single model's folder: it names the folder above") {
    folder.Write("digits/3/model.pt");
    for (const char* path : {"digits", "digits/"}) {
      const auto repository = ScanRepository(folder.Path(path));
      CHECK(absl::IsInvalidArgument(repository.status()));
      CHECK(absl::StrContains(repository.status().message(), "--models=" + folder.Path()));
      CHECK(absl::StrContains(repository.status().message(), "/3/model.pt"));
    }
  }
  SECTION("a file") {
    folder.Write("model.pt");
    const auto repository = ScanRepository(folder.Path("model.pt"));
    CHECK(absl::IsInvalidArgument(repository.status()));
    CHECK(absl::StrContains(repository.status().message(),
                            "--model=NAME=" + folder.Path("model.pt")));
  }
}

TEST_CASE("ScanRepository finds no repository where there is no folder", "[registry]") {
  const TempFolder folder;
  const auto repository = ScanRepository(folder.Path("none"));
  CHECK(absl::IsNotFound(repository.status()));
  CHECK(absl::StrContains(repository.status().message(), folder.Path("none")));
}

TEST_CASE("ScanRepository is not caught by a link to itself", "[registry]") {
  const TempFolder folder;
  folder.Write("good/1/model.pt");
  folder.Link("loop", "loop");
  folder.Link("good/self", ".");
  const Repository repository = Scan(folder);
  CHECK(repository.models.size() == 1);
  CHECK(repository.warnings.empty());
}

TEST_CASE("IsModelName takes names that stand in a path and a log as they are", "[registry]") {
  CHECK(IsModelName("digits"));
  CHECK(IsModelName("A-b_c.9"));
  CHECK(IsModelName("1"));
  CHECK(IsModelName(std::string(128, 'a')));
  CHECK_FALSE(IsModelName(""));
  CHECK_FALSE(IsModelName(std::string(129, 'a')));
  CHECK_FALSE(IsModelName(".hidden"));
  CHECK_FALSE(IsModelName(".."));
  CHECK_FALSE(IsModelName("a/b"));
  CHECK_FALSE(IsModelName("a b"));
  CHECK_FALSE(IsModelName("modèle"));
  CHECK_FALSE(IsModelName(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace torchere
