// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/request/value.h"

namespace torchere {

// The type of an argument or output, as TorchScript knows it.
struct ValueType {
  enum class Kind {
    kTensor,
    kText,
    kInt,
    kFloat,
    kNumber,  // int, float or bool: TorchScript's Scalar
    kBool,
    kNull,
    kOptional,    // elements[0] or null
    kList,        // elements[0] repeated
    kTuple,       // elements in order
    kNamedTuple,  // elements in order, each named by fields
    kDict,        // elements[0] is the key's type, elements[1] the value's
    kUnsupported  // has no Value: a device, an enum, a class
  };

  Kind kind = Kind::kTensor;
  std::vector<ValueType> elements;
  // Names of a NamedTuple's elements.
  std::vector<std::string> fields;
  // TorchScript's own words: "Dict[str, Tensor]".
  std::string text = "Tensor";
};

// Whether a value of `type`, at any depth, has a Value.
bool IsSupported(const ValueType& type);

// Checks that `value` can be given where `type` is wanted: an int for a float,
// a list for a Tuple, a map or a list for a NamedTuple are taken. The error's
// text begins with `path`, the place of the value: "input 'boxes'[3]".
//
//   INVALID_ARGUMENT  TYPE_MISMATCH, or INVALID_VALUE for a BOOL tensor with an
//                     item that is neither 0 nor 1
absl::Status CheckType(const Value& value, const ValueType& type, const std::string& path);

}  // namespace torchere
