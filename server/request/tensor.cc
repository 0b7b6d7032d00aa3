// SPDX-License-Identifier: Apache-2.0
#include "server/request/tensor.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace torchere {

std::optional<int64_t> ByteSize(DType dtype, absl::Span<const int64_t> shape) {
  // A zero makes the product zero, but not before every dimension has been
  // looked at: [0, -1] and [2^62, 2^62, 0] are refused alike everywhere.
  int64_t size = static_cast<int64_t>(ItemSize(dtype));
  bool zero = false;
  for (const int64_t dim : shape) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      zero = true;
    } else if (__builtin_mul_overflow(size, dim, &size)) {
      return std::nullopt;
    }
  }
  return zero ? 0 : size;
}

std::string ShapeText(absl::Span<const int64_t> shape) {
  return absl::StrCat("[",
                      absl::StrJoin(shape, ", ",
                                    [](std::string* out, int64_t dim) {
                                      absl::StrAppend(out, dim == -1 ? "any" : absl::StrCat(dim));
                                    }),
                      "]");
}

}  // namespace torchere
