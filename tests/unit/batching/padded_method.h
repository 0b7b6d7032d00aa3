// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/request/request.h"
#include "server/request/signature.h"
#include "tests/support/in_process.h"

namespace torchere {

using Floats_ = std::vector<float>;

inline std::string BytesOf(float item) {
  return {reinterpret_cast<const char*>(&item), sizeof item};
}

inline Tensor Shaped(const Shape& shape, const Floats_& items) {
  Tensor tensor = FloatTensor(items);
  tensor.shape = shape;
  return tensor;
}

// A tensor of 1, 2, 3, …
inline Tensor Counted(const Shape& shape) {
  int64_t size = 1;
  for (const int64_t dim : shape) size *= dim;
  Floats_ items(static_cast<size_t>(size));
  std::iota(items.begin(), items.end(), 1.0F);
  return Shaped(shape, items);
}

inline ValueSpec Spec(const std::string& name, DType dtype, const Shape& shape) {
  ValueSpec spec;
  spec.name = name;
  spec.dtype = dtype;
  spec.shape = shape;
  return spec;
}

// x of [rows, length], padded with -1 to 4 or 6, with `mask` for it; y of [rows, 2,
// length], padded with 0; the outputs h of [rows, length, …] and p.
inline MethodSignature Padded() {
  MethodSignature method;
  method.name = "forward";
  method.inputs = {Spec("x", DType::kFp32, {-1, -1}), Spec("y", DType::kFp32, {-1, 2, -1}),
                   Spec("mask", DType::kUint8, {-1, -1})};
  method.inputs[1].has_default = true;
  method.inputs[2].is_made = true;
  method.outputs.resize(2);
  method.outputs[0].name = "h";
  method.outputs[1].name = "p";
  method.padding = {.buckets = {4, 6},
                    .inputs = {{0, 1, BytesOf(-1)}, {1, 2, BytesOf(0)}},
                    .masks = {{2, 0, std::string(1, '\0'), std::string(1, '\1')}},
                    .outputs = {{"h", 1}}};
  return method;
}

inline const Tensor& TensorOf(const std::optional<Value>& value) {
  return std::get<Tensor>(value->kind);
}

inline Arguments MakeArguments(std::optional<Tensor> x, std::optional<Tensor> y = {},
                               std::optional<Tensor> mask = {}) {
  Arguments arguments(3);
  if (x) arguments[0] = Value{*x};
  if (y) arguments[1] = Value{*y};
  if (mask) arguments[2] = Value{*mask};
  return arguments;
}

}  // namespace torchere
