// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/run.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/bench_report.h"
#include "client/cpp/cli/error_report.h"
#include "client/cpp/cli/input.h"
#include "client/cpp/cli/interrupt.h"
#include "client/cpp/cli/json_report.h"
#include "client/cpp/cli/load.h"
#include "client/cpp/cli/names.h"
#include "client/cpp/cli/npy.h"
#include "client/cpp/cli/options.h"
#include "client/cpp/cli/sample_inputs.h"
#include "client/cpp/cli/signature.h"
#include "client/cpp/cli/text_report.h"
#include "torchere/client.h"

namespace torchere::cli {
namespace {

using std::chrono::nanoseconds;

// A hint is not worth a longer wait.
constexpr auto kHintTimeout = std::chrono::seconds(2);

nanoseconds Nanoseconds(double seconds) {
  return std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(seconds));
}

// One command against one server.
class Session {
 public:
  Session(const Options& options, const Client& client, Console& console)
      : options_(options), client_(client), console_(console) {}

  int Predict();
  int Bench();
  int Status();
  int Signature();

 private:
  ModelQuery Query() const {
    return {.model = options_.model, .version = options_.version, .label = options_.label};
  }

  // What was typed of a call, its inputs read as the method declares them.
  absl::StatusOr<PredictCall> Call(const MethodSignature* method) const;
  LoadPlan Plan() const;
  int Measure(const ServedModel& model, const PredictCall& call);

  // Prints the error and what to do about it.
  int Fail(const absl::Status& status, const ModelSignature* signature = nullptr);
  int Misused(const absl::Status& status);
  int Save(const Prediction& prediction);
  void PrintJson(const Json& json) { console_.out << JsonText(json) << '\n'; }

  // "Did you mean …?", where a name is the error and one near to it is known.
  std::optional<std::string> NameHint(const absl::Status& status,
                                      const ModelSignature* signature) const;

  const Options& options_;
  const Client& client_;
  Console& console_;
};

absl::StatusOr<PredictCall> Session::Call(const MethodSignature* method) const {
  PredictCall call = {.model = options_.model,
                      .method = options_.method,
                      .version = options_.version,
                      .label = options_.label,
                      .outputs = options_.outputs};
  for (const Assignment& input : options_.inputs) {
    absl::StatusOr<NamedValue> value = ReadInput(input, method);
    if (!value.ok()) return value.status();
    call.inputs.push_back(*std::move(value));
  }
  return call;
}

int Session::Predict() {
  const absl::StatusOr<ModelSignature> signature = client_.Signature(Query());
  if (!signature.ok()) return Fail(signature.status());
  const MethodSignature* method = FindMethod(*signature, options_.method);
  const absl::StatusOr<PredictCall> call = Call(method);
  if (!call.ok()) return Misused(call.status());
  const auto start = std::chrono::steady_clock::now();
  const absl::StatusOr<Prediction> prediction = client_.Predict(*call);
  const nanoseconds elapsed = std::chrono::steady_clock::now() - start;
  if (!prediction.ok()) return Fail(prediction.status(), &*signature);
  if (options_.json) {
    PrintJson(PredictionJson(*prediction, method, elapsed, options_.top));
  } else {
    console_.out << PredictionText(*prediction, method, elapsed, options_.top, console_.out_style);
  }
  return Save(*prediction);
}

int Session::Save(const Prediction& prediction) {
  for (const Assignment& save : options_.saves) {
    const absl::StatusOr<const Tensor*> tensor = prediction.TensorOutput(save.name);
    const absl::Status status = tensor.ok() ? SaveNpy(save.text, **tensor) : tensor.status();
    if (!status.ok()) {
      return Fail(absl::Status(status.code(), absl::StrCat("--save: ", status.message())));
    }
  }
  return kSuccess;
}

LoadPlan Session::Plan() const {
  return {.concurrency = options_.concurrency,
          .rate = options_.rate,
          .duration = Nanoseconds(options_.duration_s),
          .requests = options_.requests,
          .timeout = Nanoseconds(options_.timeout_s)};
}

int Session::Bench() {
  const absl::StatusOr<ModelSignature> signature = client_.Signature(Query());
  if (!signature.ok()) return Fail(signature.status());
  const MethodSignature* method = FindMethod(*signature, options_.method);
  absl::StatusOr<PredictCall> call = Call(method);
  if (!call.ok()) return Misused(call.status());
  // A method that there is not, the server refuses with its own words.
  if (method != nullptr) {
    absl::StatusOr<std::vector<NamedValue>> inputs = SampleInputs(
        *method, std::move(call->inputs), {.rows = options_.rows, .shapes = options_.shapes});
    if (!inputs.ok()) return Misused(inputs.status());
    call->inputs = *std::move(inputs);
  }
  // What gets no answer alone gets none under load, unless the server is loaded already.
  const absl::Status first = client_.Predict(*call).status();
  const bool busy = absl::IsResourceExhausted(first) || absl::IsDeadlineExceeded(first);
  if (!first.ok() && !busy) return Fail(first, &*signature);
  ServedModel model = signature->model;
  model.label = options_.label;
  model.method = options_.method;
  return Measure(model, *call);
}

int Session::Measure(const ServedModel& model, const PredictCall& call) {
  const Interrupt interrupt;
  LoadWatch watch = {.interrupted = [&interrupt] { return interrupt.pressed(); }};
  const bool live = console_.err_style.live;
  if (live) {
    watch.progress = [this](const LoadProgress& progress) {
      console_.err << "\r\x1b[K" << ProgressText(progress) << std::flush;
    };
  }
  const LoadPlan plan = Plan();
  const LoadReport report = RunLoad(options_.server, call, plan, watch);
  if (live) console_.err << "\r\x1b[K" << std::flush;
  if (options_.json) {
    PrintJson(BenchJson(model, plan, report));
  } else {
    console_.out << BenchText(model, plan, report, console_.out_style);
  }
  return report.all_ok() ? kSuccess : kFailure;
}

int Session::Status() {
  std::vector<ModelStatus> models;
  if (options_.model.empty()) {
    absl::StatusOr<std::vector<ModelStatus>> all = client_.Models();
    if (!all.ok()) return Fail(all.status());
    models = *std::move(all);
  } else {
    absl::StatusOr<ModelStatus> one = client_.Status(Query());
    if (!one.ok()) return Fail(one.status());
    models.push_back(*std::move(one));
  }
  if (options_.json) {
    PrintJson(StatusJson(models));
  } else {
    console_.out << StatusText(models, console_.out_style);
  }
  return kSuccess;
}

int Session::Signature() {
  const absl::StatusOr<ModelSignature> signature = client_.Signature(Query());
  if (!signature.ok()) return Fail(signature.status());
  if (options_.json) {
    PrintJson(SignatureJson(*signature));
  } else {
    console_.out << SignatureText(*signature, console_.out_style);
  }
  return kSuccess;
}

int Session::Fail(const absl::Status& status, const ModelSignature* signature) {
  std::vector<std::string> next = NextSteps(status, options_);
  if (auto hint = NameHint(status, signature)) next.insert(next.begin(), *std::move(hint));
  if (options_.json) {
    Json json;
    json["error"] = ErrorJson(status, next);
    console_.err << JsonText(json) << '\n';
  } else {
    console_.err << ErrorText(status, next, console_.err_style);
  }
  return kFailure;
}

int Session::Misused(const absl::Status& status) {
  console_.err << "torchere: " << Printable(std::string(status.message()))
               << "\nSee torchere signature " << Printable(options_.model) << ", and torchere "
               << (options_.command == Options::Command::kBench ? "bench" : "predict")
               << " --help\n";
  return kWrongUsage;
}

// The server's own text lists the names that there are.
std::optional<std::string> Suggestion(const std::string& name,
                                      const std::vector<std::string>& known) {
  const std::optional<std::string> nearest = NearestName(name, known);
  if (!nearest) return std::nullopt;
  return absl::StrCat("Did you mean '", *nearest, "'?");
}

std::optional<std::string> Session::NameHint(const absl::Status& status,
                                             const ModelSignature* signature) const {
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  std::vector<std::string> known;
  if (details.reason == "MODEL_NOT_FOUND") {
    const auto models =
        client_.Models(std::min<nanoseconds>(Nanoseconds(options_.timeout_s), kHintTimeout));
    if (!models.ok()) return std::nullopt;
    for (const ModelStatus& model : *models) known.push_back(model.name);
    return Suggestion(options_.model, known);
  }
  if (signature == nullptr) return std::nullopt;
  if (details.reason == "METHOD_NOT_FOUND") {
    for (const MethodSignature& method : signature->methods) known.push_back(method.name);
    return Suggestion(options_.method, known);
  }
  const MethodSignature* method = FindMethod(*signature, options_.method);
  if (details.reason != "UNKNOWN_INPUT" || method == nullptr) return std::nullopt;
  for (const ValueSignature& input : method->inputs) known.push_back(input.name);
  for (const Assignment& input : options_.inputs) {
    const bool is_known = FindValue(method->inputs, input.name) != nullptr;
    if (!is_known) return Suggestion(input.name, known);
  }
  return std::nullopt;
}

}  // namespace

int Run(int argc, const char* const* argv, Console& console) {
  const std::variant<Options, int> parsed = ParseOptions(argc, argv, console);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const Options& options = std::get<Options>(parsed);
  const absl::StatusOr<Client> client =
      Client::Connect(options.server, {.timeout = Nanoseconds(options.timeout_s)});
  if (!client.ok()) {
    console.err << "torchere: --server: " << std::string(client.status().message()) << '\n';
    return kWrongUsage;
  }
  Session session(options, *client, console);
  switch (options.command) {
    case Options::Command::kPredict:
      return session.Predict();
    case Options::Command::kBench:
      return session.Bench();
    case Options::Command::kStatus:
      return session.Status();
    case Options::Command::kSignature:
      break;
  }
  return session.Signature();
}

}  // namespace torchere::cli
