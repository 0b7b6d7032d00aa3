// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "torchere/client.h"
#include "torchere/v1/model_status.pb.h"
#include "torchere/v1/predict.pb.h"

namespace torchere {
inline namespace client {

// Translates between torchere.v1's messages and the client's plain types. Pure.
//
// An answer that this client cannot hold is INTERNAL: a value without a kind or
// of one that is not known, an unknown dtype, a tensor whose length is not that
// of its shape.

v1::Value EncodeValue(const Value& value);
v1::PredictRequest EncodePredict(const PredictCall& call);
// Its parts.
v1::PredictRequest EncodeAllButInputs(const PredictCall& call);
void EncodeInput(const NamedValue& input, v1::NamedValue& to);

// The tensors keep the messages' bytes, which are not copied.
absl::StatusOr<Value> DecodeValue(v1::Value wire);
absl::StatusOr<Prediction> DecodePrediction(v1::PredictResponse wire);

ModelStatus DecodeModelStatus(const v1::ModelStatus& wire);
absl::StatusOr<ModelSignature> DecodeSignature(const v1::GetModelSignatureResponse& wire);

}  // namespace client
}  // namespace torchere
