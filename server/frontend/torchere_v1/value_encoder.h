// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/frontend/wire/wire_writer.h"
#include "server/request/value.h"

namespace torchere {

// Writes the fields of a torchere.v1.Value (proto/torchere/v1/value.proto).
void EncodeValue(const Value& value, WireWriter& writer);

}  // namespace torchere
