// SPDX-License-Identifier: Apache-2.0
#include "torchere/tensor.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace torchere {
inline namespace client {

std::string ShapeText(std::span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape.begin(), shape.end(), ", "), "]");
}

absl::StatusOr<int64_t> ItemCount(std::span<const int64_t> shape) {
  int64_t count = 1;
  bool empty = false;
  bool overflow = false;
  for (const int64_t length : shape) {
    if (length < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the shape ", ShapeText(shape), " has a negative length"));
    }
    empty = empty || length == 0;
    if (length > 0) {
      overflow = overflow || count > std::numeric_limits<int64_t>::max() / length;
      if (!overflow) count *= length;
    }
  }
  if (empty) return 0;
  if (overflow) {
    return absl::InvalidArgumentError(
        absl::StrCat("the shape ", ShapeText(shape), " has more items than int64 counts"));
  }
  return count;
}

absl::StatusOr<Tensor> Tensor::Create(DataType dtype, std::vector<int64_t> shape,
                                      std::vector<std::byte> data) {
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(data));
  return Share(dtype, std::move(shape), {owner, owner->data()}, owner->size());
}

absl::StatusOr<Tensor> Tensor::Share(DataType dtype, std::vector<int64_t> shape,
                                     std::shared_ptr<const std::byte> data, size_t bytes) {
  const absl::StatusOr<int64_t> count = ItemCount(shape);
  if (!count.ok()) return count.status();
  // Divided, since the product of both may overflow.
  const auto size = static_cast<int64_t>(bytes);
  if (size % ItemBytes(dtype) != 0 || size / ItemBytes(dtype) != *count) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor ", DataTypeName(dtype), " ", ShapeText(shape), " has ", *count,
                     " items of ", ItemBytes(dtype), " bytes each, got ", size, " bytes"));
  }
  if (reinterpret_cast<uintptr_t>(data.get()) % static_cast<uintptr_t>(ItemBytes(dtype)) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("the items of a tensor ", DataTypeName(dtype),
                                                   " are not aligned to ", ItemBytes(dtype),
                                                   " bytes"));
  }
  if (dtype == DataType::kBool &&
      std::any_of(data.get(), data.get() + bytes, [](std::byte b) { return b > std::byte{1}; })) {
    return absl::InvalidArgumentError("an item of a BOOL tensor is neither 0 nor 1");
  }
  return Tensor(dtype, std::move(shape), std::move(data), bytes);
}

absl::Status Tensor::CheckDataType(DataType wanted) const {
  if (wanted == dtype_) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the tensor is ", Description(), ", read as ", DataTypeName(wanted)));
}

std::string Tensor::Description() const {
  return absl::StrCat(DataTypeName(dtype_), " ", ShapeText(shape_));
}

}  // namespace client
}  // namespace torchere
