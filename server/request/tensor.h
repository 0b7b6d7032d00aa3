// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "server/request/bytes.h"
#include "server/request/dtype.h"

namespace torchere {

// Length of each dimension, outermost first; empty for a scalar.
using Shape = absl::InlinedVector<int64_t, 6>;

// A dense array in row-major order, little-endian, without padding:
// data.size() == product(shape) * ItemSize(dtype).
struct Tensor {
  DType dtype = DType::kFp32;
  Shape shape;
  Bytes data;
};

// product(shape) * ItemSize(dtype); nothing where that overflows int64 or a
// dimension is negative.
std::optional<int64_t> ByteSize(DType dtype, absl::Span<const int64_t> shape);

// "[2, 3]"; a dimension of -1 is written as "any".
std::string ShapeText(absl::Span<const int64_t> shape);

}  // namespace torchere
