// SPDX-License-Identifier: Apache-2.0
// Runs the conformance cases through client/cpp: conformance_runner TARGET CASES_FOLDER.
#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/runners/cpp/case_value.h"
#include "torchere/client.h"

namespace torchere {
namespace {

constexpr char kLanguage[] = "cpp";
constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kPause{50};

// A step that did not end as expected.
absl::Status Unexpected(const std::string& expected, const std::string& got) {
  return absl::UnknownError(absl::StrCat("expected ", Brief(expected), ", got ", Brief(got)));
}

absl::Status Compare(const Json& expected, const Json& got) {
  return expected == got ? absl::OkStatus() : Unexpected(expected.dump(), got.dump());
}

// Each call makes a step's call and looks at its answer, where there is one: the
// call's own error, or whether the answer is as expected.
struct Outcome {
  absl::Status call;
  absl::Status check = absl::OkStatus();
};

Outcome Predict(const Client& client, const Json& step) {
  const Json& from = step.at("predict");
  PredictCall call = {.model = from.at("model"), .method = from.value("method", "forward")};
  for (const auto& [name, value] : from.at("inputs").items()) {
    call.inputs.push_back({name, ValueOf(value)});
  }
  if (from.contains("version")) call.version = from.at("version").get<int64_t>();
  call.label = from.value("label", "");
  call.outputs = from.value("outputs", std::vector<std::string>());
  if (from.contains("timeout_ms")) {
    call.timeout = std::chrono::milliseconds(from.at("timeout_ms").get<int64_t>());
  }
  const absl::StatusOr<Prediction> answer = client.Predict(call);
  if (!answer.ok() || !step.at("expect").contains("outputs")) return {answer.status()};
  Map got;
  for (const NamedValue& output : answer->outputs) got.push_back({output.name, output.value});
  const Value expected = ValueOf({{"map", step.at("expect").at("outputs")}});
  if (!Same(expected, got)) return {absl::OkStatus(), Unexpected(Brief(expected), Brief(got))};
  Json order = Json::array();
  for (const NamedValue& output : answer->outputs) order.push_back(output.name);
  return {absl::OkStatus(), Compare(step.at("expect").value("order", order), order)};
}

Outcome Status(const Client& client, const Json& step) {
  const auto answer = client.Status({.model = step.at("status").at("model")});
  if (!answer.ok() || !step.at("expect").contains("states")) return {answer.status()};
  Json states = Json::object();
  for (const ModelVersionStatus& version : answer->versions) {
    states[absl::StrCat(version.version)] = ModelStateName(version.state);
  }
  return {absl::OkStatus(), Compare(step.at("expect").at("states"), states)};
}

Outcome Models(const Client& client, const Json& step) {
  const auto answer = client.Models();
  if (!answer.ok() || !step.at("expect").contains("names")) return {answer.status()};
  Json names = Json::array();
  for (const ModelStatus& model : *answer) names.push_back(model.name);
  return {absl::OkStatus(), Compare(step.at("expect").at("names"), names)};
}

Json Declared(const std::vector<ValueSignature>& values) {
  Json declared = Json::object();
  for (const ValueSignature& value : values) {
    declared[value.name] = {{"dtype", DataTypeName(value.dtype.value())},
                            {"shape", value.shape.value()}};
  }
  return declared;
}

Outcome Signature(const Client& client, const Json& step) {
  const auto answer = client.Signature({.model = step.at("signature").at("model")});
  if (!answer.ok() || !step.at("expect").contains("inputs")) return {answer.status()};
  const MethodSignature& forward = answer->methods.front();
  const Json got = {{"inputs", Declared(forward.inputs)}, {"outputs", Declared(forward.outputs)}};
  return {absl::OkStatus(), Compare(step.at("expect"), got)};
}

// Whether an error is as a case says.
absl::Status CheckError(const Json& expected, const absl::Status& error) {
  const ErrorDetails details = DetailsOf(error).value_or(ErrorDetails{});
  const auto model = details.metadata.find("model");
  const Json got = {{"code", absl::StatusCodeToString(error.code())},
                    {"reason", details.reason},
                    {"model", model == details.metadata.end() ? "" : model->second},
                    {"retry_after", details.retry_delay.has_value()},
                    {"message", error.message()}};
  for (const auto& [key, value] : expected.items()) {
    if (key != "message" && got.at(key) != value) return Unexpected(expected.dump(), got.dump());
  }
  for (const Json& part : expected.value("message", Json::array())) {
    if (!absl::StrContains(error.message(), part.get<std::string>())) {
      return Unexpected(expected.dump(), got.dump());
    }
  }
  return absl::OkStatus();
}

using Call = std::function<Outcome(const Client&, const Json&)>;

absl::Status RunCall(const Client& client, const Json& step, const Call& call) {
  const Json& expected = step.at("expect");
  const auto end = std::chrono::steady_clock::now() + kPatience;
  Outcome outcome = call(client, step);
  while (absl::StatusCodeToString(outcome.call.code()) == step.value("again_while", "none") &&
         std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kPause);
    outcome = call(client, step);
  }
  if (expected.contains("error") == outcome.call.ok()) {
    return Unexpected(expected.dump(), outcome.call.ToString());
  }
  return outcome.call.ok() ? outcome.check : CheckError(expected.at("error"), outcome.call);
}

absl::Status RunStep(const Client& client, const Json& step);

absl::Status RunAtOnce(const Client& client, const Json& steps) {
  std::vector<absl::Status> results(steps.size());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < steps.size(); ++i) {
      threads.emplace_back([&, i] { results[i] = RunStep(client, steps[i]); });
    }
  }
  const auto failed = std::ranges::find_if_not(results, &absl::Status::ok);
  return failed == results.end() ? absl::OkStatus() : *failed;
}

absl::Status RunStep(const Client& client, const Json& step) {
  static const auto& calls = *new std::vector<std::pair<std::string, Call>>{
      {"predict", Predict}, {"status", Status}, {"models", Models}, {"signature", Signature}};
  if (step.contains("parallel")) return RunAtOnce(client, step.at("parallel"));
  if (step.contains("server")) {
    std::cout << step.dump() << std::endl;
    std::string line;
    std::getline(std::cin, line);
    return absl::OkStatus();
  }
  try {
    for (const auto& [kind, call] : calls) {
      if (step.contains(kind)) return RunCall(client, step, call);
    }
  } catch (const std::exception& error) {
    return absl::UnknownError(error.what());
  }
  return absl::UnknownError(absl::StrCat("no step: ", step.dump()));
}

// What went wrong, and in which step; empty where nothing did.
std::string RunCase(const Client& client, const Json& steps) {
  int number = 0;
  for (const Json& step : steps) {
    ++number;
    const absl::Status status = RunStep(client, step);
    if (!status.ok()) return absl::StrCat("step ", number, ": ", status.message());
  }
  return "";
}

void RunFile(const Client& client, const std::filesystem::path& path) {
  const Json file = Json::parse(std::ifstream(path));
  for (const Json& each : file.at("cases")) {
    if (each.contains("impossible") && each.at("impossible").contains(kLanguage)) continue;
    const std::string detail = RunCase(client, each.at("steps"));
    Json line = {{"file", path.stem()}, {"case", each.at("name")}, {"ok", detail.empty()}};
    if (!detail.empty()) line["detail"] = detail;
    std::cout << line.dump() << std::endl;
  }
}

int Main(const std::string& target, const std::string& folder) {
  const Client client = Client::Connect(target).value();
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  for (const std::filesystem::path& path : paths) RunFile(client, path);
  return 0;
}

}  // namespace
}  // namespace torchere

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: conformance_runner TARGET CASES_FOLDER\n";
    return 2;
  }
  try {
    return torchere::Main(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << "conformance_runner: " << error.what() << "\n";
    return 1;
  }
}
