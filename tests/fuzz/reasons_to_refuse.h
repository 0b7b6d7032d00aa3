// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "server/frontend/torchere_v1/codec.h"

namespace torchere {

// Why DecodePredict may refuse a message that protobuf accepts: every reason of
// codec.h that the message gives. Told from the fields as protobuf lists them, so
// that it owes nothing to the decoder.
std::set<std::string> ReasonsToRefuse(const std::string& wire, const WireLimits& limits);

}  // namespace torchere
