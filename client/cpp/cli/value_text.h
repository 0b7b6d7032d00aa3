// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "torchere/value.h"

namespace torchere::cli {

// A value for a person, one line or more, each but the first led by `indent`, no
// line's end after the last. A tensor's dtype and shape come first, then its
// rows: what is longer than a screen is cut, and the text says so.
std::string ValueText(const Value& value, const std::string& indent = "");

// A tensor's items without dtype and shape, in the same manner.
std::string ItemsText(const Tensor& tensor, const std::string& indent = "");

}  // namespace torchere::cli
