// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "torchere/data_type.h"

namespace torchere {
inline namespace client {

// The wire's order of bytes is the memory's.
static_assert(std::endian::native == std::endian::little);

// A dense array that is well formed: it has as many items as its shape says, and
// each item of a BOOL tensor is 0 or 1. A value: it does not change once made, so
// that copies share the items. One that was moved from may only be assigned to or
// destroyed.
class Tensor {
 public:
  // No items: FP32 of shape [0].
  Tensor() = default;

  // From `data`: the items in row-major order, little-endian, without padding.
  // Shape [] is a scalar (one item); a length may be 0.
  //
  //   INVALID_ARGUMENT  a negative length, more items than int64 counts, a size
  //                     other than product(shape) * ItemBytes(dtype), or an item
  //                     of a BOOL tensor that is neither 0 nor 1
  static absl::StatusOr<Tensor> Create(DataType dtype, std::vector<int64_t> shape,
                                       std::vector<std::byte> data);

  // The same from items that others own too, without a copy: they must not change
  // as long as `data` is held.
  //
  //   INVALID_ARGUMENT  as Create, or `data` is not aligned for the items
  static absl::StatusOr<Tensor> Share(DataType dtype, std::vector<int64_t> shape,
                                      std::shared_ptr<const std::byte> data, size_t bytes);

  // From items of a C++ type, copied: Tensor::Of<float>({1, 4}, features).
  //
  //   INVALID_ARGUMENT  as Create
  template <TensorItem T>
  static absl::StatusOr<Tensor> Of(std::vector<int64_t> shape, std::span<const T> items) {
    const DataType dtype = DataTypeOf<T>::kValue;
    const std::span<const std::byte> bytes = std::as_bytes(items);
    return Create(dtype, std::move(shape), {bytes.begin(), bytes.end()});
  }
  template <TensorItem T>
  static absl::StatusOr<Tensor> Of(std::vector<int64_t> shape, std::initializer_list<T> items) {
    return Of<T>(std::move(shape), std::span<const T>(items.begin(), items.size()));
  }

  DataType dtype() const { return dtype_; }
  // Length of each dimension, outermost first.
  const std::vector<int64_t>& shape() const { return shape_; }
  // product(shape).
  int64_t size() const { return static_cast<int64_t>(bytes_) / ItemBytes(dtype_); }
  // The items as Create takes them; lives as long as a copy of the tensor.
  std::span<const std::byte> data() const { return {data_.get(), bytes_}; }
  // The same to be held on to.
  const std::shared_ptr<const std::byte>& shared_data() const { return data_; }

  // The items in row-major order, without a copy; lives as long as the tensor.
  //
  //   INVALID_ARGUMENT  the dtype is not T's: nothing is converted
  template <TensorItem T>
  absl::StatusOr<std::span<const T>> As() const& {
    absl::Status matches = CheckDataType(DataTypeOf<T>::kValue);
    if (!matches.ok()) return matches;
    return std::span<const T>(reinterpret_cast<const T*>(data_.get()), bytes_ / sizeof(T));
  }
  // The items would not outlive a temporary tensor.
  template <TensorItem T>
  absl::StatusOr<std::span<const T>> As() && = delete;

  // "FP32 [1, 10]".
  std::string Description() const;

 private:
  Tensor(DataType dtype, std::vector<int64_t> shape, std::shared_ptr<const std::byte> data,
         size_t bytes)
      : dtype_(dtype), shape_(std::move(shape)), data_(std::move(data)), bytes_(bytes) {}

  absl::Status CheckDataType(DataType wanted) const;

  DataType dtype_ = DataType::kFp32;
  std::vector<int64_t> shape_ = {0};
  std::shared_ptr<const std::byte> data_;
  size_t bytes_ = 0;
};

// product(shape); 1 for an empty shape.
//
//   INVALID_ARGUMENT  a negative length, or more items than int64 counts
absl::StatusOr<int64_t> ItemCount(std::span<const int64_t> shape);

// "[1, 10]".
std::string ShapeText(std::span<const int64_t> shape);

}  // namespace client
}  // namespace torchere
