// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "client/cpp/cli/console.h"
#include "client/cpp/cli/json.h"
#include "client/cpp/cli/load.h"
#include "torchere/model.h"

namespace torchere::cli {

// What a load came to.

// For a person: lines of text, each with its end.
std::string BenchText(const ServedModel& model, const LoadPlan& plan, const LoadReport& report,
                      const Style& style);

// For a program, as client/cpp/README.md describes it.
Json BenchJson(const ServedModel& model, const LoadPlan& plan, const LoadReport& report);

// The second that has just passed, on one line without its end.
std::string ProgressText(const LoadProgress& progress);

}  // namespace torchere::cli
