// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace torchere {
inline namespace client {

// What a server says of an error beside its code and text: google.rpc.ErrorInfo
// and google.rpc.RetryInfo as plain data.
struct ErrorDetails {
  // Why, for a program: MODEL_NOT_FOUND, SHAPE_MISMATCH, …; never reworded.
  std::string reason = {};
  // Whose reasons they are: "torchere".
  std::string domain = {};
  // What it is about: model, version, input, expected, got, …
  std::map<std::string, std::string> metadata = {};
  // Set where a retry makes sense: wait at least this long before it.
  std::optional<std::chrono::nanoseconds> retry_delay = {};
};

// The details of an error that a Client returned. Nothing where there are none:
// most errors that gRPC or the client itself found, or a server of another kind.
std::optional<ErrorDetails> DetailsOf(const absl::Status& status);

}  // namespace client
}  // namespace torchere
