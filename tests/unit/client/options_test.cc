// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/options.h"

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

struct Outcome {
  std::variant<Options, int> parsed;
  std::string out;
  std::string err;

  const Options& options() const {
    INFO(err);
    REQUIRE(std::holds_alternative<Options>(parsed));
    return std::get<Options>(parsed);
  }
  int code() const { return std::get<int>(parsed); }
};

Outcome Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "torchere");
  std::ostringstream out;
  std::ostringstream err;
  Console console = {.out = out, .err = err};
  auto parsed = ParseOptions(static_cast<int>(arguments.size()), arguments.data(), console);
  return {std::move(parsed), out.str(), err.str()};
}

TEST_CASE("predict takes its options, each value with its own", "[cli]") {
  const Outcome outcome =
      Parse({"predict", "--input", "a=1", "wine", "--input=b=x=y", "-i", "c=", "--method", "m",
             "--version=7", "--outputs", "p,q", "--outputs=r", "--top", "5", "--save", "p=f.npy"});
  const Options& options = outcome.options();
  CHECK(options.command == Options::Command::kPredict);
  CHECK(options.model == "wine");
  REQUIRE(options.inputs.size() == 3);
  CHECK(options.inputs[0].name == "a");
  CHECK(options.inputs[1].name == "b");
  CHECK(options.inputs[1].text == "x=y");
  CHECK(options.inputs[2].text.empty());
  CHECK(options.method == "m");
  CHECK(options.version == 7);
  CHECK(options.outputs == std::vector<std::string>{"p", "q", "r"});
  CHECK(options.top == 5);
  CHECK(options.saves[0].text == "f.npy");
}

TEST_CASE("a VALUE of JSON stays as it was typed", "[cli]") {
  const Outcome outcome = Parse({"predict", "m", "--input", "a=[[1, 2], [3, 4]]", "--input",
                                 "b={\"x\": \"a,b\"}", "--input", "c=-1"});
  CHECK(outcome.options().inputs[0].text == "[[1, 2], [3, 4]]");
  CHECK(outcome.options().inputs[1].text == "{\"x\": \"a,b\"}");
  CHECK(outcome.options().inputs[2].text == "-1");
}

TEST_CASE("the options of all commands stand before or behind the command", "[cli]") {
  const Outcome before = Parse({"--server=a:1", "--timeout", "2.5", "--output=json", "status"});
  const Outcome behind = Parse({"status", "--server=a:1", "--timeout", "2.5", "--output=json"});
  for (const Outcome* outcome : {&before, &behind}) {
    CHECK(outcome->options().server == "a:1");
    CHECK(outcome->options().timeout_s == 2.5);
    CHECK(outcome->options().json);
    CHECK(outcome->options().model.empty());
  }
}

TEST_CASE("the server comes from the flag, else the environment, else the default", "[cli]") {
  unsetenv("TORCHERE_SERVER");
  CHECK(Parse({"status"}).options().server == "127.0.0.1:8500");
  setenv("TORCHERE_SERVER", "b:2", 1);
  CHECK(Parse({"status"}).options().server == "b:2");
  CHECK(Parse({"status", "--server=a:1"}).options().server == "a:1");
  unsetenv("TORCHERE_SERVER");
}

TEST_CASE("bench takes the load and the shapes of made-up inputs", "[cli]") {
  const Outcome closed = Parse({"bench", "m", "-c", "64", "--rows=8", "--duration", "2.5",
                                "--shape", "x=1,0,3", "--shape=scalar=", "--input", "y=1"});
  CHECK(closed.options().command == Options::Command::kBench);
  CHECK(closed.options().model == "m");
  CHECK(closed.options().concurrency == 64);
  CHECK(closed.options().rows == 8);
  CHECK(closed.options().duration_s == 2.5);
  REQUIRE(closed.options().shapes.size() == 2);
  CHECK(closed.options().shapes[0].name == "x");
  CHECK(closed.options().shapes[0].lengths == std::vector<int64_t>{1, 0, 3});
  CHECK(closed.options().shapes[1].lengths.empty());
  CHECK(closed.options().inputs[0].name == "y");
  const Outcome open = Parse({"bench", "m", "--rate=0.5", "--requests", "100"});
  CHECK(open.options().rate == 0.5);
  CHECK(open.options().requests == 100);
}

struct Misuse {
  std::vector<const char*> arguments;
  std::string why;
};

TEST_CASE("wrong usage is code 2 and one clear message", "[cli]") {
  const auto [arguments, why] =
      GENERATE(values<Misuse>({{{}, "A subcommand is required"},
                               {{"prdict", "m"}, "'prdict' is no command"},
                               {{"predict"}, "MODEL is required"},
                               {{"predict", "m", "--input", "a"}, "'a' is not NAME=VALUE"},
                               {{"predict", "m", "--input", "=1"}, "'=1' is not NAME=VALUE"},
                               {{"predict", "m", "extra"}, "extra"},
                               {{"predict", "m", "--nope"}, "--nope"},
                               {{"predict", "m", "--version", "0"}, "--version"},
                               {{"predict", "m", "--version", "x"}, "--version"},
                               {{"predict", "m", "--version", "1", "--label", "a"}, "excludes"},
                               {{"predict", "m", "--top", "0"}, "--top"},
                               {{"status", "--version", "1"}, "requires MODEL"},
                               {{"signature"}, "MODEL is required"},
                               {{"status", "--timeout", "0"}, "--timeout"},
                               {{"status", "--timeout", "-1"}, "--timeout"},
                               {{"status", "--timeout", "nan"}, "--timeout"},
                               {{"status", "--output", "xml"}, "--output"},
                               {{"bench"}, "MODEL is required"},
                               {{"bench", "m", "--rate", "5", "-c", "5"}, "excludes"},
                               {{"bench", "m", "--requests", "5", "--duration", "5"}, "excludes"},
                               {{"bench", "m", "-c", "0"}, "--concurrency"},
                               {{"bench", "m", "-c", "8193"}, "--concurrency"},
                               {{"bench", "m", "--rate", "0"}, "--rate"},
                               {{"bench", "m", "--rate", "nan"}, "--rate"},
                               {{"bench", "m", "--duration", "0"}, "--duration"},
                               {{"bench", "m", "--rows", "0"}, "--rows"},
                               {{"bench", "m", "--shape", "x"}, "'x' is not NAME=N,N,…"},
                               {{"bench", "m", "--shape", "x=1,-1"}, "--shape"},
                               {{"status", "\xff"}, "argument 2 is not UTF-8"}}));
  const Outcome outcome = Parse(arguments);
  CAPTURE(why);
  REQUIRE(std::holds_alternative<int>(outcome.parsed));
  CHECK(outcome.code() == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Catch::StartsWith("torchere: ") && Catch::Contains(why));
}

TEST_CASE("--help teaches by examples and --version tells the version", "[cli]") {
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {"--help"}, {"predict", "--help"}, {"bench", "--help"}, {"status", "-h"}}) {
    const Outcome help = Parse(arguments);
    CHECK(help.code() == 0);
    CHECK_THAT(help.out, Catch::Contains("Examples:\n  torchere "));
    CHECK(help.err.empty());
  }
  CHECK(Parse({"--version"}).code() == 0);
  CHECK_THAT(Parse({"--version"}).out, Catch::StartsWith("torchere "));
}

}  // namespace
}  // namespace torchere::cli
