// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/options.h"

#include <limits>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "client/cpp/cli/json.h"
#include "fmt/format.h"

namespace torchere::cli {
namespace {

constexpr char kAbout[] = "Asks a Torchere server: runs models, shows what it serves.";

constexpr char kExamples[] = R"(Examples:
  torchere status                                   every model and its versions
  torchere signature digits                         how a model is called
  torchere predict digits --input pixels=@3.npy     run it on a NumPy file
  torchere predict sum --input a=1 --input b=2.5    arguments by name, as JSON
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
};

std::string AssignmentError(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return "";
  return fmt::format("'{}' is not NAME=VALUE", text);
}

std::string TimeoutError(const std::string& text) {
  double seconds = 0;
  // NaN is outside as well.
  const bool inside = absl::SimpleAtod(text, &seconds) && seconds >= 0.001 && seconds <= kYear;
  return inside ? "" : fmt::format("'{}' is no number of seconds from 0.001 to a year", text);
}

// One assignment each time the option is given: what follows it is not its own.
CLI::Option* AddAssignments(CLI::App& command, const std::string& name,
                            std::vector<std::string>& to, const std::string& about) {
  return command.add_option(name, to, about)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::Validator(AssignmentError, ""));
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

void AddPredict(CLI::App& app, Typed& typed) {
  CLI::App& command = *app.add_subcommand("predict", "Run a model on inputs");
  command.footer(kPredictExamples);
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
  command.add_option("--top", typed.options.top, "Classes shown of an output with labels")
      ->type_name("N")
      ->check(CLI::Validator(CLI::Range(int64_t{1}, int64_t{1'000'000})).description(""))
      ->capture_default_str();
  AddAssignments(command, "--save", typed.saves, "Write a tensor of the answer; repeatable")
      ->type_name("OUTPUT=FILE.npy");
  command.callback([&typed] { typed.options.command = Options::Command::kPredict; });
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
      ->check(CLI::Validator(TimeoutError, ""))
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
    what = fmt::format("'{}' is no command; predict, status and signature are", rest.front());
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
  return typed.options;
}

}  // namespace torchere::cli
