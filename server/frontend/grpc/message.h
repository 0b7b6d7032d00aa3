// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/request/bytes.h"
#include "server/request/error.h"

namespace torchere {

// Reads a small message with protobuf's own parser: for everything that is not
// on the hot path.
//
//   INVALID_ARGUMENT  MALFORMED_MESSAGE
template <typename Message>
absl::StatusOr<Message> Parse(const Bytes& bytes) {
  Message message;
  if (message.ParseFromString(bytes.ToString())) return message;
  return Refuse(absl::StatusCode::kInvalidArgument,
                absl::StrCat("the message is not a ", Message::descriptor()->full_name()),
                {.reason = "MALFORMED_MESSAGE"});
}

}  // namespace torchere
