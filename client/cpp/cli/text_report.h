// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "client/cpp/cli/console.h"
#include "torchere/client.h"

namespace torchere::cli {

// Answers for a person: lines of text, each with its end.

// `method` is the signature of what ran, where it is known: an output that has
// labels there is shown as its `top` best classes with bars. `elapsed` is the time
// that the call took here.
std::string PredictionText(const Prediction& prediction, const MethodSignature* method,
                           std::chrono::nanoseconds elapsed, int64_t top, const Style& style);

std::string StatusText(const std::vector<ModelStatus>& models, const Style& style);

std::string SignatureText(const ModelSignature& signature, const Style& style);

// "0.12 ms", "45.3 ms", "1.20 s".
std::string DurationText(std::chrono::nanoseconds duration);

}  // namespace torchere::cli
