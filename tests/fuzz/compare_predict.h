// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/frontend/torchere_v1/codec.h"

namespace torchere {

// One message, and how it is given to the decoder.
struct PredictCase {
  // A serialised PredictRequest, or anything else.
  std::string wire;
  // The rope's pieces have so many bytes each, the last fewer; 0: it is one piece.
  size_t piece_bytes = 0;
  WireLimits limits = {};
};

// Limits that a message of a few bytes exceeds.
inline constexpr WireLimits kTightLimits = {.tensors = 2,
                                            .rank = 3,
                                            .name_bytes = 4,
                                            .text_bytes = 6,
                                            .list_items = 4,
                                            .depth = 3,
                                            .outputs = 2,
                                            .inputs = 3};

enum class Verdict { kBothAccept, kBothRefuse, kDecoderAloneRefuses };

struct Comparison {
  Verdict verdict = Verdict::kBothRefuse;
  // What codec.h does not allow; empty where there is nothing.
  std::string breach = {};
};

// The bytes in pieces of `piece_bytes`, as PredictCase has them, each in memory of its
// own, so that AddressSanitizer sees a read beyond it.
Bytes InPieces(const std::string& wire, size_t piece_bytes);

// Has the message read by DecodePredict and by protobuf. A breach is: accepted
// where protobuf refuses; read otherwise than protobuf reads it; refused for a
// reason that codec.h does not name or that the message does not give; or
// accepted although it gives one.
Comparison ComparePredict(const PredictCase& one);

}  // namespace torchere
