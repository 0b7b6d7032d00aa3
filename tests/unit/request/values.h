// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/request/signature.h"
#include "server/request/value.h"
#include "server/request/value_type.h"

namespace torchere {

// A tensor of zeros.
inline Value MakeTensor(DType dtype = DType::kFp32, Shape shape = {2}) {
  const size_t size = static_cast<size_t>(ByteSize(dtype, shape).value());
  return {.kind = Tensor{dtype, std::move(shape), Bytes(std::string(size, '\0'))}};
}

inline Value Text(std::string text) { return {.kind = std::move(text)}; }
inline Value Int(int64_t number) { return {.kind = number}; }
inline Value Float(double number) { return {.kind = number}; }
inline Value Bool(bool truth) { return {.kind = truth}; }
inline Value None() { return {.kind = Null{}}; }
inline Value MakeList(List values) { return {.kind = std::move(values)}; }
inline Value MakeMap(Map entries) { return {.kind = std::move(entries)}; }

inline ValueType Type(ValueType::Kind kind, std::string text, std::vector<ValueType> elements = {},
                      std::vector<std::string> fields = {}) {
  ValueType type;
  type.kind = kind;
  type.elements = std::move(elements);
  type.fields = std::move(fields);
  type.text = std::move(text);
  return type;
}

inline ValueType TensorType() { return Type(ValueType::Kind::kTensor, "Tensor"); }
inline ValueType IntType() { return Type(ValueType::Kind::kInt, "int"); }
inline ValueType TextType() { return Type(ValueType::Kind::kText, "str"); }
inline ValueType OptionalOf(const ValueType& type) {
  return Type(ValueType::Kind::kOptional, "Optional[" + type.text + "]", {type});
}
inline ValueType ListOf(const ValueType& type) {
  return Type(ValueType::Kind::kList, "List[" + type.text + "]", {type});
}
inline ValueType DictOf(const ValueType& key, const ValueType& value) {
  return Type(ValueType::Kind::kDict, "Dict[" + key.text + ", " + value.text + "]", {key, value});
}

inline ValueSpec Spec(const std::string& name, const ValueType& type = TensorType()) {
  ValueSpec spec;
  spec.name = name;
  spec.type = type;
  return spec;
}

}  // namespace torchere
