// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/options.h"

#include <limits>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "client/cpp/cli/json.h"
#include "client/cpp/cli/load.h"
#include "fmt/format.h"

namespace torchere::cli {
namespace {

constexpr char kAbout[] = "Asks a Torchere server: runs models, shows what it serves.";

constexpr char kExamples[] = R"(Examples:
  torchere status                                   every model and its versions
  torchere signature digits                         how a model is called
  torchere predict digits --input pixels=@3.npy     run it on a NumPy file
  torchere predict sum --input a=1 --input b=2.5    arguments by name, as JSON
  torchere bench digits --concurrency 64            how fast it is answered
  torchere --server=HOST:8500 status --output=json  for programs

Each command has more: torchere predict --help
Exit codes: 0 answered, 1 the answer is an error or there is none, 2 wrong usage.
)";

constexpr char kPredictExamples[] =
    R"(VALUE is read as the type that the method declares for the argument:
  Tensor          @FILE.npy, or JSON: a number, nested arrays, or an object
                  {"dtype": "FP32", "shape": [2, 2], "data": [[1, 2], [3, 4]]}
  str             the text itself, or a JSON string
  int float bool  1   0.5   true   (a float may be "NaN", "Infinity", "-Infinity")
  Optional[T]     null, or a T
  List, Tuple     [1, 2, 3]
  Dict            {"key": value}; a tensor in it may be "@FILE.npy"
@FILE.json is the JSON of a file. Arrays for a tensor get the declared dtype, else
INT64 for integers, BOOL for true and false, FP32 for all other.

Examples:
  torchere predict digits --input pixels=@3.npy
  torchere predict wine --input 'features=[[13.2, 1.8, 2.1]]' --outputs label
  torchere predict boxes --input 'sizes={"a": [1, 2], "b": "@b.npy"}' --input scale=0.5
  torchere predict digits --version 2 --input pixels=@3.npy --top 10
  torchere predict embed --method encode --input text=hello --save output=vector.npy

--server, --timeout, --output=json and exit codes: torchere --help
)";

constexpr char kBenchExamples[] =
    R"(Sends one request again and again: --concurrency at a time (closed loop), or --rate a
second at random times however the server answers (open loop), whose latencies count
from when a request was due. Arguments that are not given are made from the signature.
Ctrl-C ends the load; what was measured is printed.

Examples:
  torchere bench digits                             16 at a time, for 10 s
  torchere bench digits --concurrency 64 --rows 8   each with 8 rows
  torchere bench digits --rate 500 --duration 60    500 a second on average
  torchere bench bert --shape ids=1,128             where the signature leaves it free
  torchere bench boxes --input x=@x.npy --requests 1000 --output=json

Exit codes: 0 every request was answered OK, 1 not every one, 2 wrong usage.
)";

constexpr char kStatusExamples[] = R"(Examples:
  torchere status
  torchere status digits --label stable
  torchere status digits --output=json
)";

constexpr char kSignatureExamples[] = R"(Examples:
  torchere signature digits
  torchere signature digits --version 2 --output=json
)";

constexpr double kYear = 365.0 * 24 * 3600;

// What the parser fills before it is checked.
struct Typed {
  Options options;
  std::vector<std::string> inputs;
  std::vector<std::string> saves;
  std::vector<std::string> shapes;
};

std::string AssignmentError(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return "";
  return fmt::format("'{}' is not NAME=VALUE", text);
}

std::string SecondsError(const std::string& text) {
  double seconds = 0;
  // NaN is outside as well.
  const bool inside = absl::SimpleAtod(text, &seconds) && seconds >= 0.001 && seconds <= kYear;
  return inside ? "" : fmt::format("'{}' is no number of seconds from 0.001 to a year", text);
}

std::string RateError(const std::string& text) {
  double rate = 0;
  const bool inside = absl::SimpleAtod(text, &rate) && rate >= 0.001 && rate <= 1e6;
  return inside ? ""
                : fmt::format("'{}' is no number of requests a second from 0.001 to 10^6", text);
}

// NAME=N,N,…; nothing for anything else. NAME= is a scalar.
std::optional<Shape> ReadShape(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return std::nullopt;
  Shape shape = {.name = text.substr(0, equals), .lengths = {}};
  if (equals + 1 == text.size()) return shape;
  for (const absl::string_view part : absl::StrSplit(text.substr(equals + 1), ',')) {
    int64_t length = -1;
    if (!absl::SimpleAtoi(part, &length) || length < 0) return std::nullopt;
    shape.lengths.push_back(length);
  }
  return shape;
}

std::string ShapeError(const std::string& text) {
  return ReadShape(text) ? "" : fmt::format("'{}' is not NAME=N,N,…", text);
}

// One assignment each time the option is given: what follows it is not its own.
CLI::Option* AddAssignments(CLI::App& command, const std::string& name,
                            std::vector<std::string>& to, const std::string& about,
                            std::string (*error_of)(const std::string&) = AssignmentError) {
  return command.add_option(name, to, about)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::Validator(error_of, ""));
}

void AddChoice(CLI::App& command, Options& options) {
  const CLI::Range positive(int64_t{1}, std::numeric_limits<int64_t>::max());
  CLI::Option* version = command.add_option("--version", options.version, "This version")
                             ->type_name("N")
                             ->check(CLI::Validator(positive).description(""));
  command.add_option("--label", options.label, "The version that carries this label now")
      ->type_name("NAME")
      ->excludes(version);
}

// What is run: of predict and bench.
void AddCall(CLI::App& command, Typed& typed) {
  command.add_option("MODEL", typed.options.model, "The model's name")->type_name("")->required();
  AddAssignments(command, "-i,--input", typed.inputs, "An argument by its name; repeatable")
      ->type_name("NAME=VALUE");
  command.add_option("--method", typed.options.method, "Method of the model")
      ->type_name("NAME")
      ->capture_default_str();
  AddChoice(command, typed.options);
  command
      .add_option("--outputs", typed.options.outputs, "Only these outputs, in this order: a,b,c")
      ->type_name("NAMES")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->delimiter(',');
}

void AddPredict(CLI::App& app, Typed& typed) {
  CLI::App& command = *app.add_subcommand("predict", "Run a model on inputs");
  command.footer(kPredictExamples);
  AddCall(command, typed);
  command.add_option("--top", typed.options.top, "Classes shown of an output with labels")
      ->type_name("N")
      ->check(CLI::Validator(CLI::Range(int64_t{1}, int64_t{1'000'000})).description(""))
      ->capture_default_str();
  AddAssignments(command, "--save", typed.saves, "Write a tensor of the answer; repeatable")
      ->type_name("OUTPUT=FILE.npy");
  command.callback([&typed] { typed.options.command = Options::Command::kPredict; });
}

CLI::Validator AtLeastOne(int64_t most) {
  return CLI::Validator(CLI::Range(int64_t{1}, most)).description("");
}

void AddBench(CLI::App& app, Typed& typed) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  CLI::App& command = *app.add_subcommand("bench", "Measure how fast a model is answered");
  command.footer(kBenchExamples);
  AddCall(command, typed);
  Options& options = typed.options;
  CLI::Option* concurrency =
      command.add_option("-c,--concurrency", options.concurrency, "Requests at a time")
          ->type_name("N")
          ->check(AtLeastOne(kMaxOutstanding))
          ->capture_default_str();
  command.add_option("--rate", options.rate, "Requests a second, however they are answered")
      ->type_name("R")
      ->check(CLI::Validator(RateError, ""))
      ->excludes(concurrency);
  CLI::Option* duration =
      command.add_option("--duration", options.duration_s, "Seconds for which requests are sent")
          ->type_name("SECONDS")
          ->check(CLI::Validator(SecondsError, ""))
          ->capture_default_str();
  command.add_option("--requests", options.requests, "So many requests in all")
      ->type_name("N")
      ->check(AtLeastOne(kMost))
      ->excludes(duration);
  command.add_option("--rows", options.rows, "Rows of a made-up tensor; 1 by default")
      ->type_name("N")
      ->check(AtLeastOne(kMost));
  AddAssignments(command, "--shape", typed.shapes, "Shape of a made-up tensor; repeatable",
                 ShapeError)
      ->type_name("NAME=N,N,…");
  command.callback([&options] { options.command = Options::Command::kBench; });
}

void AddStatus(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand("status", "Show models, their versions and states");
  command.footer(kStatusExamples);
  CLI::Option* model =
      command.add_option("MODEL", options.model, "The model's name; without it, all")
          ->type_name("");
  AddChoice(command, options);
  command.get_option("--version")->needs(model);
  command.get_option("--label")->needs(model);
  command.callback([&options] { options.command = Options::Command::kStatus; });
}

void AddSignature(CLI::App& app, Options& options) {
  CLI::App& command =
      *app.add_subcommand("signature", "Show a model's methods, inputs and outputs");
  command.footer(kSignatureExamples);
  command.add_option("MODEL", options.model, "The model's name")->type_name("")->required();
  AddChoice(command, options);
  command.callback([&options] { options.command = Options::Command::kSignature; });
}

void AddAll(CLI::App& app, Typed& typed, std::string& output) {
  app.set_version_flag("--version", "torchere " TORCHERE_VERSION,
                       "Print the version of this program and exit");
  app.add_option("--server", typed.options.server, "The server's HOST:PORT or unix:PATH")
      ->envname("TORCHERE_SERVER")
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option("--timeout", typed.options.timeout_s, "Seconds that a call may take")
      ->type_name("SECONDS")
      ->check(CLI::Validator(SecondsError, ""))
      ->capture_default_str();
  app.add_option("--output", output, "text for people, json for programs")
      ->type_name("text|json")
      ->check(CLI::Validator(CLI::IsMember({"text", "json"})).description(""))
      ->capture_default_str();
  app.require_subcommand(1);
  // So that they may stand behind the command as well.
  app.fallthrough();
  app.footer(kExamples);
  AddPredict(app, typed);
  AddBench(app, typed);
  AddStatus(app, typed.options);
  AddSignature(app, typed.options);
}

std::vector<Assignment> Split(const std::vector<std::string>& texts) {
  std::vector<Assignment> assignments;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    assignments.push_back({.name = text.substr(0, equals), .text = text.substr(equals + 1)});
  }
  return assignments;
}

// What is typed goes into messages whose text must be UTF-8.
bool IsUtf8(const char* text) {
  try {
    const std::string ignored = Json(text).dump();
  } catch (const Json::type_error&) {
    return false;
  }
  return true;
}

std::string Complaint(const CLI::App* app, const CLI::Error& error) {
  std::string command = "torchere";
  for (const CLI::App* sub : app->get_subcommands()) command += " " + sub->get_name();
  std::string what = error.what();
  // Without a command the parser does not say what it found in its place.
  const std::vector<std::string> rest = app->remaining();
  if (app->get_subcommands().empty() && !rest.empty()) {
    what =
        fmt::format("'{}' is no command; predict, bench, status and signature are", rest.front());
  }
  return fmt::format("torchere: {}\nSee {} --help\n", what, command);
}

}  // namespace

std::variant<Options, int> ParseOptions(int argc, const char* const* argv, Console& console) {
  for (int i = 1; i < argc; ++i) {
    if (IsUtf8(argv[i])) continue;
    console.err << "torchere: argument " << i << " is not UTF-8 text\n";
    return kWrongUsage;
  }
  Typed typed;
  std::string output = "text";
  CLI::App app(kAbout, "torchere");
  app.failure_message(Complaint);
  AddAll(app, typed, output);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, console.out, console.err);
    return code == kSuccess ? kSuccess : kWrongUsage;
  }
  typed.options.json = output == "json";
  typed.options.inputs = Split(typed.inputs);
  typed.options.saves = Split(typed.saves);
  for (const std::string& text : typed.shapes) {
    if (auto shape = ReadShape(text)) typed.options.shapes.push_back(*std::move(shape));
  }
  return typed.options;
}

}  // namespace torchere::cli
