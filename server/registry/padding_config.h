// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/registry/model_config.h"
#include "server/registry/yaml_value.h"

namespace torchere {

// model.yaml's `pad`: {INPUT: {axis, value, buckets, mask, outputs}, …}.
absl::StatusOr<std::vector<DeclaredPadding>> ReadPadding(const YamlValue& value);

// Puts into `method`, of which all else is declared by now, how its requests are padded
// (MethodSignature::padding). A mask becomes an input that may be left out, of [-1, -1]
// where no shape is declared. On an error the method is left half done.
//
//   INVALID_ARGUMENT  an input or output that is not there, or is no tensor with a
//                     free length at the axis; no declared dtype or shape; a value
//                     that is no item of the dtype; an input or output that stands
//                     twice; inputs of different buckets; no input that is in every
//                     request; a model whose requests never run together
absl::Status DeclarePadding(const ModelConfig& config, const std::vector<DeclaredPadding>& declared,
                            MethodSignature& method);

}  // namespace torchere
