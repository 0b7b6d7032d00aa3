// SPDX-License-Identifier: Apache-2.0
// Mistakes at the start: one clear line, an exit status, nothing served.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/server.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

constexpr int kCannotStart = 1, kWrongUsage = 2;

// Starts the server, which must end by itself with `status` and say `text` in
// the line that is addressed to the person.
void CheckRefuses(std::vector<std::string> flags, int status, const std::string& text) {
  flags.insert(flags.begin(), kServer);
  const Outcome outcome = Run(flags);
  INFO(outcome.err);
  CHECK(outcome.status == status);
  CHECK(outcome.out.empty());
  const size_t line = outcome.err.find("torchere-server: ");
  REQUIRE(line != std::string::npos);
  CHECK(outcome.err.find(text, line) != std::string::npos);
  CHECK(outcome.err.find('\n', line) == outcome.err.size() - 1);
}

const std::string kAnyPort = "--listen=127.0.0.1:0";

TEST_CASE("The server refuses wrong flags") {
  CheckRefuses({"--modles=x"}, kWrongUsage, "--modles");
  CheckRefuses({}, kWrongUsage, "nothing to serve");
  CheckRefuses({TestModel("types"), "--listen=nowhere"}, kCannotStart, "is no HOST:PORT");
  CheckRefuses({kAnyPort, TestModel("types"), "--health-listen=8502"}, kCannotStart,
               "--health-listen: '8502' is no HOST:PORT");
  CheckRefuses({TestModel("types"), "--listen=0.0.0.0:0"}, kCannotStart, "--insecure");
}

TEST_CASE("The server refuses a port that is in use") {
  Server first({TestModel("types")});
  CheckRefuses({TestModel("types"), "--listen=" + first.target()}, kCannotStart, "in use");
  CheckRefuses({kAnyPort, TestModel("types"), "--health-listen=" + first.target()}, kCannotStart,
               "in use");
  CHECK(first.Connect().Models().ok());
}

TEST_CASE("The server refuses a repository that has nothing to serve") {
  TempFolder empty;
  CheckRefuses({kAnyPort, "--models=" + empty.Path("missing")}, kCannotStart, "no such folder");
  CheckRefuses({kAnyPort, "--models=" + empty.Path()}, kCannotStart, empty.Path());
  CheckRefuses({kAnyPort, "--models=" + empty.Write("file")}, kCannotStart, "file");
}

TEST_CASE("The server refuses a --model that cannot be served, and names what the file is") {
  const auto broken = [](const std::string& file) {
    return "--model=m=" + kSource + "/tests/data/broken/" + file;
  };
  CheckRefuses({kAnyPort, "--model=m=/no/such/model.pt"}, kCannotStart, "/no/such/model.pt");
  CheckRefuses({kAnyPort, broken("lfs_pointer.pt")}, kCannotStart, "Git LFS");
  CheckRefuses({kAnyPort, broken("empty.pt")}, kCannotStart, "empty");
  CheckRefuses({kAnyPort, broken("truncated.pt")}, kCannotStart, "truncated.pt");
  CheckRefuses({kAnyPort, broken("corrupt.pt")}, kCannotStart, "corrupt.pt");
  CheckRefuses({kAnyPort, broken("garbage.pt")}, kCannotStart, "garbage.pt");
  CheckRefuses({kAnyPort, broken("text.pt")}, kCannotStart, "text.pt");
  CheckRefuses({kAnyPort, broken("state_dict.pt")}, kCannotStart, "torch.save");
  CheckRefuses({kAnyPort, broken("eager.pt")}, kCannotStart, "torch.save");
  CheckRefuses({kAnyPort, broken("legacy.pt")}, kCannotStart, "legacy.pt");
  CheckRefuses({kAnyPort, broken("exported.pt2")}, kCannotStart, "torch.export");
  CheckRefuses({kAnyPort, broken("syntax_error.pt")}, kCannotStart, "syntax_error.pt");
  CheckRefuses({kAnyPort, broken("unknown_operator.pt")}, kCannotStart, "aten::adds");
}

TEST_CASE("The server refuses a device that is not there") {
  CheckRefuses({TestModel("types"), "--devices=gpu"}, kWrongUsage, "expected auto, or a list of");
  CheckRefuses({kAnyPort, TestModel("types"), "--devices=cuda:7"}, kCannotStart,
               "--devices: there is no device cuda:7 here; there are: cpu");
  TempFolder models;
  models.Write("m/1/model.pt", "not looked at");
  models.Write("m/model.yaml", "schema: 1\ndevices: [cuda:7]\n");
  CheckRefuses({kAnyPort, TestModel("types"), "--models=" + models.Path()}, kCannotStart,
               "m/model.yaml: devices: there is no device cuda:7 here; there are: cpu");
}

// Serves the repository beside a good model: what is wrong with it is in the log
// and in the status, and the good model answers.
std::string LogOf(const TempFolder& models) {
  Server server({"--models=" + models.Path(), TestModel("types")});
  CHECK(server.Connect().Predict({.model = "types", .method = "no_arguments"}).ok());
  CHECK(server.Terminate() == 0);
  return server.process().err();
}

TEST_CASE("A bad model in a repository is named, and the others are served") {
  TempFolder models;
  models.Write("digits/1/model.pt");
  std::filesystem::copy_file(kSource + "/models/digits/1/model.pt",
                             models.Path("digits/1/model.pt"),
                             std::filesystem::copy_options::overwrite_existing);
  SECTION("a corrupt file") {
    models.Write("bad/1/model.pt", "nonsense");
    CHECK(LogOf(models).find("model 'bad' version 1 cannot be served") != std::string::npos);
  }
  SECTION("a Git LFS pointer") {
    models.Write("bad/1/model.pt",
                 "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    CHECK(LogOf(models).find("Git LFS") != std::string::npos);
  }
  SECTION("a folder whose name is no version") {
    models.Write("bad/v2/model.pt", "x");
    CHECK(LogOf(models).find("v2") != std::string::npos);
  }
  SECTION("a model.yaml that is no YAML") {
    models.Write("digits/model.yaml", "schema: 1\ninputs: [\n");
    CHECK(LogOf(models).find("model.yaml:") != std::string::npos);
  }
  SECTION("a model.yaml with an unknown key") {
    models.Write("digits/model.yaml", "schema: 1\nimputs: []\n");
    const std::string log = LogOf(models);
    CHECK(log.find("model.yaml:2") != std::string::npos);
    CHECK(log.find("imputs") != std::string::npos);
  }
  SECTION("a model.yaml with a key twice") {
    models.Write("digits/model.yaml", "schema: 1\ninputs: []\ninputs: []\n");
    CHECK(LogOf(models).find("model.yaml:3") != std::string::npos);
  }
}

TEST_CASE("--help and --version answer on standard output") {
  const Outcome help = Run({kServer, "--help"});
  CHECK(help.status == 0);
  CHECK(help.out.find("--max-requests-in-flight") != std::string::npos);
  const Outcome version = Run({kServer, "--version"});
  CHECK(version.status == 0);
  for (const char* part : {"torchere-server ", "gRPC ", "protobuf ", "LibTorch ", "devices cpu"}) {
    CHECK(version.out.find(part) != std::string::npos);
  }
}

}  // namespace
}  // namespace torchere
