// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace torchere {

// What a program may want to know of an error, beside its code and text:
// google.rpc.ErrorInfo and RetryInfo as plain data.
struct ErrorDetails {
  // Upper case, never reworded: "SHAPE_MISMATCH".
  std::string reason = {};
  // model, version, input, expected, got, …
  std::map<std::string, std::string> metadata = {};
  // Set where trying again makes sense.
  std::optional<absl::Duration> retry_after = {};
};

// A Status that carries `details` as its payload. `message` is for a person:
// it names the model, the input, what was expected and what came.
absl::Status Refuse(absl::StatusCode code, absl::string_view message, ErrorDetails details);

// The details that Refuse put in; of any other Status only the reason, which is
// then its code's name.
ErrorDetails DetailsOf(const absl::Status& status);

// `status` with `metadata` added to its own, which stays where keys are the same,
// and its text led by `prefix`: what an outer stage knows and an inner one does
// not.
absl::Status Annotate(const absl::Status& status, absl::string_view prefix,
                      const std::map<std::string, std::string>& metadata);

// `status` with a text that is for the log alone: it is never sent to a caller.
absl::Status WithLogText(absl::Status status, absl::string_view text);

// The text that WithLogText put in, or nothing.
std::string LogTextOf(const absl::Status& status);

}  // namespace torchere
