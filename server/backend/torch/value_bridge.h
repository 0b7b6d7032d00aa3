// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/ivalue.h>

#include <string>

#include "absl/status/statusor.h"
#include "server/backend/torch/tensor_bridge.h"
#include "server/request/value.h"

namespace torchere {

// An argument for a parameter of `type`: lists and dicts get the element types
// that `type` names, an int becomes a float where that is wanted. `value` must
// have passed CheckType for it. Tensors go by way of `staging` to its device, else
// they are in memory. May throw what LibTorch throws.
c10::IValue ToTorch(const Value& value, const c10::TypePtr& type, TorchStaging* staging);

// What a method that is declared to return `type` returned: NamedTuples become
// maps, in the order of their fields. `name` leads the error's text. May throw
// what LibTorch throws.
//
//   INTERNAL  UNSUPPORTED_OUTPUT: a type that Value does not have, dicts with
//             keys that are neither text nor ints, text that is not UTF-8, more
//             than 16 levels or 2^22 values
absl::StatusOr<Value> FromTorch(const c10::IValue& value, const c10::Type& type,
                                const OutputPath& path, const std::string& name);

}  // namespace torchere
