// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "client/cpp/cli/json.h"
#include "torchere/client.h"

namespace torchere::cli {

// Answers for a program, as --output=json prints them. The shape is described in
// client/cpp/README.md; members may be added to it, none is renamed or dropped.

// {"name", "version", "label", "method", "digest"}
Json ModelJson(const ServedModel& model);

Json PredictionJson(const Prediction& prediction, const MethodSignature* method,
                    std::chrono::nanoseconds elapsed, int64_t top);

Json StatusJson(const std::vector<ModelStatus>& models);

Json SignatureJson(const ModelSignature& signature);

// {"code", "reason", "message", "metadata", "retry_delay_ms", "next"}; `next` is
// what to do.
Json ErrorJson(const absl::Status& status, const std::vector<std::string>& next);

}  // namespace torchere::cli
