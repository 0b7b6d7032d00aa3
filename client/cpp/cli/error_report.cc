// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/error_report.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/text_report.h"
#include "fmt/format.h"
#include "torchere/error_details.h"

namespace torchere::cli {
namespace {

// The command lines that show more of what an error is about.
enum class Show { kModels, kModel, kSignature };

struct Row {
  std::string_view reason;
  Show show;
};

constexpr std::array<Row, 16> kRows = {{{"MODEL_NOT_FOUND", Show::kModels},
                                        {"VERSION_NOT_FOUND", Show::kModel},
                                        {"LABEL_NOT_FOUND", Show::kModel},
                                        {"VERSION_NOT_SERVED", Show::kModel},
                                        {"MODEL_LOADING", Show::kModel},
                                        {"MODEL_HANGS", Show::kModel},
                                        {"METHOD_NOT_FOUND", Show::kSignature},
                                        {"UNKNOWN_INPUT", Show::kSignature},
                                        {"MISSING_INPUT", Show::kSignature},
                                        {"DUPLICATE_INPUT", Show::kSignature},
                                        {"TYPE_MISMATCH", Show::kSignature},
                                        {"DTYPE_MISMATCH", Show::kSignature},
                                        {"RANK_MISMATCH", Show::kSignature},
                                        {"SHAPE_MISMATCH", Show::kSignature},
                                        {"UNKNOWN_OUTPUT", Show::kSignature},
                                        {"UNSUPPORTED_INPUT", Show::kSignature}}};

std::string ShowLine(Show show, const std::string& model) {
  switch (show) {
    case Show::kModels:
      return "See which models there are: torchere status";
    case Show::kModel:
      return absl::StrCat("See its versions and labels: torchere status ", model);
    case Show::kSignature:
      break;
  }
  return absl::StrCat("See how it is called: torchere signature ", model);
}

std::string RetryLine(const ErrorDetails& details) {
  if (!details.retry_delay) return "The server is busy; try again later.";
  return absl::StrCat("The server is busy; try again in ", DurationText(*details.retry_delay), ".");
}

// For errors that name no reason of ours, or one that says no more than the code.
std::vector<std::string> StepsOfCode(absl::StatusCode code, const Options& options) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return {absl::StrCat("Is a server running at ", options.server,
                           "? Start one with: torchere-server --models=DIR"),
              "Or name another: --server=HOST:PORT"};
    case absl::StatusCode::kDeadlineExceeded:
      return {fmt::format("It took longer than {:g} s; allow more: --timeout=SECONDS",
                          options.timeout_s)};
    case absl::StatusCode::kUnimplemented:
      return {absl::StrCat("Is it a torchere-server that listens at ", options.server, "?")};
    case absl::StatusCode::kInternal:
      return {"The server's log on its standard error says more."};
    default:
      return {};
  }
}

}  // namespace

std::vector<std::string> NextSteps(const absl::Status& status, const Options& options) {
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  const auto row = std::find_if(kRows.begin(), kRows.end(),
                                [&](const Row& r) { return r.reason == details.reason; });
  if (row != kRows.end()) return {ShowLine(row->show, options.model)};
  if (details.reason == "MODEL_REJECTED") {
    return {"The model itself refused these inputs: check their values and shapes."};
  }
  if (details.reason == "DRAINING") return {"The server is shutting down; try another."};
  if (details.reason == "MESSAGE_TOO_LARGE") {
    return {"Send fewer rows, or start the server with a larger --max-message-bytes."};
  }
  if (details.reason == "OUT_OF_MEMORY") return {"Send fewer rows."};
  const bool busy = status.code() == absl::StatusCode::kResourceExhausted;
  if (busy && !details.reason.empty()) return {RetryLine(details)};
  return StepsOfCode(status.code(), options);
}

std::string ErrorText(const absl::Status& status, const std::vector<std::string>& next,
                      const Style& style) {
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  const std::string code = absl::StatusCodeToString(status.code());
  // Some reasons are their code's name.
  const bool tells_more = !details.reason.empty() && details.reason != code;
  std::string text = absl::StrCat(Paint(style, Emphasis::kBad,
                                        absl::StrCat("error: ", code, tells_more ? " " : "",
                                                     tells_more ? Printable(details.reason) : "")),
                                  ": ", Printable(std::string(status.message())), "\n");
  for (const std::string& line : next) absl::StrAppend(&text, "  ", Printable(line), "\n");
  return text;
}

}  // namespace torchere::cli
