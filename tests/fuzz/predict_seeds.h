// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>
#include <vector>

#include "torchere/v1/predict.pb.h"

namespace torchere {

// A request with one to three inputs of every kind of value, nested up to 5 deep.
v1::PredictRequest RandomRequest(std::mt19937& random);

// Serialised PredictStreamRequests to start from: each kind, with and without a
// timeout, and what their writer would never write.
std::vector<std::string> StreamSeeds();

// Serialised PredictRequests to start from, always the same: random ones, and what
// their writer would never write: fields in pieces, groups, lengths written long.
std::vector<std::string> PredictSeeds();

}  // namespace torchere
