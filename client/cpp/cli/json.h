// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace torchere::cli {

// JSON that keeps the order of an object's members, as a Dict does.
using Json = nlohmann::ordered_json;

//   INVALID_ARGUMENT  not JSON, or a member twice; the message says where
absl::StatusOr<Json> ParseJson(const std::string& text);

// On one line. Bytes that are not UTF-8 become U+FFFD.
std::string JsonText(const Json& json);

// "an array", "the string \"x\"", …: what a JSON value is, for messages.
std::string JsonKind(const Json& json);

}  // namespace torchere::cli
