// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/frontend/wire/wire_writer.h"
#include "server/request/bytes.h"
#include "server/request/request.h"
#include "server/request/response.h"

namespace torchere {

// What one request may hold at most.
struct WireLimits {
  int tensors = 64;
  int rank = 16;
  int name_bytes = 256;
  int text_bytes = 1 << 20;
  int list_items = 1 << 20;
  int depth = 16;
  int outputs = 64;
  int inputs = 1024;
};

// Translates between the bytes of torchere.v1's hot messages and the nouns of
// server/request. Pure: no gRPC call, no clock, no model. Wire format:
// proto/torchere/v1/predict.proto; decoded by hand so that a tensor's bytes
// stay where gRPC received them (docs/adr/0003-hand-written-codec.md).

// Reads a serialised PredictRequest. The tensors of the result point into
// `wire` and share its ownership: nothing of them is copied here. It accepts
// nothing that protobuf refuses, reads alike what both accept (tests/fuzz), and
// refuses besides: a key or an input's name twice, a oneof set twice, a value or
// key that is not set, keys of both kinds in a map, a tensor whose dtype,
// dimensions and length do not fit, and what `limits` forbid.
//
//   INVALID_ARGUMENT  MALFORMED_MESSAGE, INVALID_TEXT, LIMIT_EXCEEDED,
//                     UNKNOWN_DTYPE, INVALID_VALUE, LENGTH_MISMATCH,
//                     DUPLICATE_INPUT
absl::StatusOr<Request> DecodePredict(const Bytes& wire, const WireLimits& limits = {});

// What a decoded request takes in memory: its message, which its tensors share,
// and what its values take besides.
int64_t DecodedBytes(const Bytes& wire, const Request& request);

// Writes a PredictResponse. Large tensors share their bytes with the result.
Bytes EncodePredict(const Response& response);

// Writes its fields, into a message of the caller's.
void WritePredict(const Response& response, WireWriter& writer);

}  // namespace torchere
