// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/strings/string_view.h"

namespace torchere {

// Whether `text` is UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing
// above U+10FFFF. The same texts as protobuf takes.
bool IsUtf8(absl::string_view text);

}  // namespace torchere
