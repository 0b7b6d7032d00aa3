// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "tests/fuzz/compare_predict.h"

namespace torchere {

// Has a PredictStreamRequest, or anything else, read by DecodeStreamMessage and by
// protobuf, in pieces of so many bytes as PredictCase has them. The decoder does not
// look into `predict`: where protobuf refuses that alone, both accept. A breach is:
// accepted where protobuf refuses; read otherwise than protobuf reads it; refused
// for a reason that stream_codec.h does not name; or accepted although it gives one.
Comparison CompareStream(const std::string& wire, size_t piece_bytes);

}  // namespace torchere
