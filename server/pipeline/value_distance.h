// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "server/request/value.h"

namespace torchere {

// How far apart two outputs are: the largest difference between two of their
// numbers, each as a part of what rounding may do to it (its dtype's precision,
// relative for numbers above 1), so that up to 1 they are the same. Nothing
// where they differ in more than numbers.
std::optional<double> Distance(const Value& a, const Value& b);

}  // namespace torchere
