// SPDX-License-Identifier: Apache-2.0
// The command line client against the real server.
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/integration/server.h"

namespace torchere {
namespace {

Outcome RunCli(const Server& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kCli);
  arguments.push_back("--server=" + server.target());
  return Run(arguments);
}

TEST_CASE("torchere predict reads a scanned digit") {
  Server server({"--models=" + kSource + "/models"});
  const std::string pixels = "pixels=@" + kSource + "/models/digits/samples/digit_1102_is_2.npy";
  SECTION("for a person, the best class first") {
    const Outcome outcome = RunCli(server, {"predict", "digits", "--input", pixels});
    CHECK(outcome.status == 0);
    const size_t first = outcome.out.find('\n', outcome.out.find("probabilities")) + 1;
    CHECK(outcome.out.substr(first, 4) == "  2 ");
  }
  SECTION("for a program") {
    const Outcome outcome =
        RunCli(server, {"predict", "digits", "--input", pixels, "--output=json"});
    CHECK(outcome.status == 0);
    const auto json = nlohmann::json::parse(outcome.out);
    const auto& output = json.at("outputs").at("probabilities");
    CHECK(output.at("shape") == nlohmann::json({1, 10}));
    CHECK(output.at("data").at(0).at(2).get<double>() > 0.9);
  }
}

TEST_CASE("torchere predict gives wine's expected outputs to 1e-5") {
  Server server({"--models=" + kSource + "/models"});
  const std::string samples = kSource + "/models/wine/samples/";
  std::ifstream file(samples + "expected.json");
  const auto expected = nlohmann::json::parse(file);
  REQUIRE(expected.size() >= 4);
  for (const auto& [sample, answer] : expected.items()) {
    if (sample.find(".npy") == std::string::npos) continue;
    const Outcome outcome = RunCli(
        server, {"predict", "wine", "--input", "features=@" + samples + sample, "--output=json"});
    REQUIRE(outcome.status == 0);
    const auto outputs = nlohmann::json::parse(outcome.out).at("outputs");
    CHECK(outputs.at("label").at("data") == answer.at("label"));
    const auto& got = outputs.at("probabilities").at("data");
    const auto& want = answer.at("probabilities");
    REQUIRE(got.size() == want.size());
    for (size_t row = 0; row < want.size(); ++row) {
      for (size_t k = 0; k < want[row].size(); ++k) {
        CHECK(got[row][k].get<double>() == Approx(want[row][k].get<double>()).margin(1e-5));
      }
    }
  }
}

TEST_CASE("torchere calls a model by the names in its archive alone") {
  Server server({TestModel("unseen")});
  const Outcome signature = RunCli(server, {"signature", "unseen", "--output=json"});
  CHECK(signature.status == 0);
  CHECK(signature.out.find("Dict[str, Tensor]") != std::string::npos);

  std::ifstream file(kSource + "/tests/data/unseen_expected.json");
  const auto expected = nlohmann::json::parse(file).at(0);
  nlohmann::json signals;
  for (const auto& [name, tensor] : expected.at("inputs").at("signals").items()) {
    signals[name] = tensor.at("data");
  }
  const Outcome outcome = RunCli(
      server, {"predict", "unseen", "--input", "signals=" + signals.dump(), "--output=json"});
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const auto outputs = nlohmann::json::parse(outcome.out).at("outputs");
  CHECK(outputs.at("names") == expected.at("outputs").at("names"));
  const auto& scores = outputs.at("scores").at("data");
  const auto& wanted = expected.at("outputs").at("scores").at("data");
  REQUIRE(scores.size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    CHECK(scores[i].get<double>() == Approx(wanted[i].get<double>()).margin(1e-5));
  }
}

TEST_CASE("torchere's exit status tells an error of the answer from wrong usage") {
  Server server({"--models=" + kSource + "/models"});
  const Outcome unknown = RunCli(server, {"predict", "digit", "--input", "pixels=1"});
  CHECK(unknown.status == 1);
  CHECK(unknown.err.find("MODEL_NOT_FOUND") != std::string::npos);
  CHECK(unknown.err.find("digits") != std::string::npos);
  CHECK(RunCli(server, {"predict"}).status == 2);
  CHECK(RunCli(server, {"predict", "digits", "--input", "pixels"}).status == 2);
  CHECK(server.Terminate() == 0);
  const Outcome alone = RunCli(server, {"status"});
  CHECK(alone.status == 1);
  CHECK(alone.err.find("UNAVAILABLE") != std::string::npos);
  CHECK(alone.err.find("torchere-server") != std::string::npos);
}

TEST_CASE("torchere status shows the models, and those that failed with their error") {
  Server server({"--models=" + kSource + "/models"});
  const Outcome outcome = RunCli(server, {"status"});
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find("digits") != std::string::npos);
  CHECK(outcome.out.find("AVAILABLE") != std::string::npos);
  CHECK(RunCli(server, {"status", "nope"}).status == 1);
}

TEST_CASE("torchere bench loads a model with inputs made from its signature") {
  Server server({"--models=" + kSource + "/models"});
  const std::string loop = GENERATE("--concurrency=8", "--rate=2000");
  const Outcome outcome =
      RunCli(server, {"bench", "digits", "--requests=100", "--rows=2", loop, "--output=json"});
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const auto json = nlohmann::json::parse(outcome.out);
  CHECK(json.at("requests").at("ok") == 100);
  CHECK(json.at("throughput").get<double>() > 0);
  CHECK(json.at("latency_ms").at("p99").get<double>() > 0);
  CHECK(json.at("server").at("compute_ms").get<double>() > 0);
  CHECK(json.at("errors").empty());
}

TEST_CASE("torchere bench prints its table when Ctrl-C ends it") {
  Server server({"--models=" + kSource + "/models"});
  Process bench({kCli, "bench", "digits", "--duration=600", "--server=" + server.target()});
  server.AwaitBusy();
  bench.Signal(SIGINT);
  const int status = bench.Wait();
  CHECK(bench.out().find("throughput") != std::string::npos);
  // What was on its way is cut off, unless its answer was there already.
  const bool cut_off = bench.out().find("cut off") != std::string::npos;
  CHECK(status == (cut_off ? 1 : 0));
  // Nothing is drawn in a pipe.
  CHECK(bench.err().empty());
}

}  // namespace
}  // namespace torchere
