// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "server/request/dtype.h"

namespace torchere {

// The bytes of one item of a tensor that is `number`, which is not NaN; rounded where
// the dtype is one of reals. Nothing where it is no item of the dtype: 0.5 of INT64, 256
// of UINT8, 2 of BOOL, 1e6 of FP16.
std::optional<std::string> ItemBytes(DType dtype, double number);

}  // namespace torchere
