// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/text_report.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/cli/classes.h"
#include "client/cpp/cli/json.h"
#include "client/cpp/cli/signature.h"
#include "client/cpp/cli/table.h"
#include "client/cpp/cli/time.h"
#include "client/cpp/cli/type.h"
#include "client/cpp/cli/value_json.h"
#include "client/cpp/cli/value_text.h"
#include "fmt/format.h"

namespace torchere::cli {
namespace {

// Rows of a batch that are shown.
constexpr size_t kMaxRankedRows = 20;

// As much of a digest as tells two apart.
constexpr size_t kDigestLength = sizeof("sha256:") - 1 + 12;

std::string ModelText(const ServedModel& model, const Style& style) {
  std::string text = absl::StrCat(Paint(style, Emphasis::kBold, Printable(model.name)), " version ",
                                  model.version);
  if (!model.label.empty()) absl::StrAppend(&text, " (", Printable(model.label), ")");
  if (!model.method.empty()) absl::StrAppend(&text, ", ", Printable(model.method));
  const std::string digest = Printable(model.digest.substr(0, kDigestLength));
  if (!digest.empty()) absl::StrAppend(&text, "  ", Paint(style, Emphasis::kFaint, digest));
  return text + "\n";
}

std::string RankedText(const std::vector<RankedRow>& rows, const Style& style) {
  std::string text;
  for (size_t i = 0; i < std::min(rows.size(), kMaxRankedRows); ++i) {
    if (rows.size() > 1) absl::StrAppend(&text, "  row ", i, "\n");
    text += RowText(rows[i], style);
  }
  if (rows.size() > kMaxRankedRows) {
    absl::StrAppend(&text, "  … ", rows.size() - kMaxRankedRows,
                    " more rows; --output=json shows all\n");
  }
  return text;
}

std::string OutputText(const NamedValue& output, const std::vector<std::string>& labels,
                       int64_t top, const Style& style) {
  const std::string name = Paint(style, Emphasis::kBold, Printable(output.name));
  if (const auto* tensor = output.value.If<Tensor>()) {
    const auto ranked = RankClasses(*tensor, labels, top);
    if (ranked && !ranked->empty()) {
      return absl::StrCat(name, "  ", tensor->Description(), "\n", RankedText(*ranked, style));
    }
  }
  return absl::StrCat(name, "  ", ValueText(output.value, "  "), "\n");
}

std::string TimeText(const Timing& timing, std::chrono::nanoseconds elapsed, const Style& style) {
  std::string text = absl::StrCat("time ", DurationText(elapsed));
  if (timing.total.count() > 0) {
    absl::StrAppend(&text, ", of it in the server ", DurationText(timing.total), ": queue ",
                    DurationText(timing.queue), ", model ", DurationText(timing.compute));
  }
  if (timing.batch_rows > 0) absl::StrAppend(&text, ", batch of ", timing.batch_rows);
  return absl::StrCat(Paint(style, Emphasis::kFaint, text), "\n");
}

Emphasis StateEmphasis(const ModelVersionStatus& version) {
  if (!version.error.ok()) return Emphasis::kBad;
  return version.state == ModelState::kAvailable ? Emphasis::kGood : Emphasis::kWarning;
}

std::string SizeText(int64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  if (bytes < 1'000'000'000) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.2f} GB", static_cast<double>(bytes) / 1e9);
}

std::vector<Table::Cell> StatusRow(const std::string& model, const ModelVersionStatus& version) {
  return {{Printable(model), Emphasis::kBold},
          {absl::StrCat(version.version), Emphasis::kNone, true},
          {ModelStateName(version.state), StateEmphasis(version)},
          {Printable(absl::StrJoin(version.labels, ","))},
          {Printable(version.device)},
          {version.file_bytes > 0 ? SizeText(version.file_bytes) : "", Emphasis::kNone, true},
          {version.load_time ? DurationText(*version.load_time) : "", Emphasis::kNone, true},
          {version.state_since ? TimestampText(*version.state_since) : "", Emphasis::kFaint}};
}

std::string FailureText(const std::string& model, const ModelVersionStatus& version,
                        const Style& style) {
  const auto details = DetailsOf(version.error);
  const std::string reason = details ? details->reason : "";
  return absl::StrCat(Paint(style, Emphasis::kBad,
                            absl::StrCat(Printable(model), " version ", version.version, ": ",
                                         absl::StatusCodeToString(version.error.code()),
                                         reason.empty() ? "" : " ", Printable(reason))),
                      ": ", Printable(std::string(version.error.message())), "\n");
}

void AddRows(const std::vector<ValueSignature>& values, const char* title, const Style& style,
             std::string& text) {
  absl::StrAppend(&text, "  ", title, values.empty() ? ": none\n" : "\n");
  Table table;
  for (const ValueSignature& value : values) {
    std::string notes;
    if (value.default_value) {
      notes = absl::StrCat("default ", JsonText(ValueToJson(*value.default_value)));
    } else if (value.has_default) {
      notes = "may be left out";
    }
    if (value.range) notes = absl::StrCat(value.range->least, " to ", value.range->most);
    if (!value.labels.empty()) notes = absl::StrCat("labels ", absl::StrJoin(value.labels, ", "));
    table.Add({{Printable(value.name), Emphasis::kBold},
               {Printable(value.type)},
               {value.dtype ? DataTypeName(*value.dtype) : ""},
               {value.shape ? ShapeText(*value.shape) : ""},
               {Printable(notes), Emphasis::kFaint}});
  }
  text += table.Text(style, "    ");
}

// How long runs take, and what a row of them costs: where that stops falling, more
// rows do not pay.
std::string RunsText(const MethodSignature& method, const Style& style) {
  std::string text =
      absl::StrCat("  runs: ", method.batched ? "batched by rows" : "one request each", "\n");
  Table table;
  for (const RunCost& cost : method.run_costs) {
    const double ms = static_cast<double>(cost.time.count()) / 1e6;
    table.Add(
        {{absl::StrCat(cost.rows), Emphasis::kNone, true},
         {cost.rows == 1 ? "row" : "rows"},
         {DurationText(cost.time), Emphasis::kNone, true},
         {fmt::format("{:.3g} ms a row", ms / static_cast<double>(cost.rows)), Emphasis::kFaint}});
  }
  return text + table.Text(style, "    ");
}

}  // namespace

std::string DurationText(std::chrono::nanoseconds duration) {
  const double ms = static_cast<double>(duration.count()) / 1e6;
  if (ms < 10) return fmt::format("{:.2f} ms", ms);
  if (ms < 1000) return fmt::format("{:.1f} ms", ms);
  return fmt::format("{:.2f} s", ms / 1000);
}

std::string PredictionText(const Prediction& prediction, const MethodSignature* method,
                           std::chrono::nanoseconds elapsed, int64_t top, const Style& style) {
  std::string text = ModelText(prediction.model, style);
  for (const NamedValue& output : prediction.outputs) {
    text += OutputText(output, LabelsOf(method, output.name), top, style);
  }
  return text + TimeText(prediction.timing, elapsed, style);
}

std::string StatusText(const std::vector<ModelStatus>& models, const Style& style) {
  if (models.empty()) return "the server has no models\n";
  Table table;
  std::vector<Table::Cell> head;
  for (const char* title :
       {"MODEL", "VERSION", "STATE", "LABELS", "DEVICE", "SIZE", "LOAD", "SINCE"}) {
    head.push_back({title, Emphasis::kFaint});
  }
  for (const size_t number : {1, 5, 6}) head[number].right = true;
  table.Add(std::move(head));
  std::string failures;
  for (const ModelStatus& model : models) {
    if (model.versions.empty())
      table.Add({{Printable(model.name), Emphasis::kBold}, {"none", Emphasis::kNone, true}});
    for (const ModelVersionStatus& version : model.versions) {
      table.Add(StatusRow(model.name, version));
      if (!version.error.ok()) failures += FailureText(model.name, version, style);
    }
  }
  return table.Text(style) + failures;
}

std::string SignatureText(const ModelSignature& signature, const Style& style) {
  std::string text = ModelText(signature.model, style);
  for (const MethodSignature& method : signature.methods) {
    absl::StrAppend(&text, Paint(style, Emphasis::kBold, Printable(method.name)), "\n");
    AddRows(method.inputs, "inputs", style, text);
    AddRows(method.outputs, "outputs", style, text);
    text += RunsText(method, style);
  }
  if (signature.methods.empty()) return text;
  const std::string example = ExampleCall(signature.model.name, signature.methods.front());
  return absl::StrCat(text, "try: ", Printable(example), "\n");
}

}  // namespace torchere::cli
