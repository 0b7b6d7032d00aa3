// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/sample_inputs.h"

#include <algorithm>
#include <optional>
#include <random>
#include <span>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/item_type.h"
#include "client/cpp/cli/signature.h"
#include "client/cpp/cli/type.h"

namespace torchere::cli {
namespace {

using Kind = Type::Kind;

// The largest tensor that is made up; a server takes 64 MiB.
constexpr int64_t kMaxBytes = int64_t{1} << 31;

absl::Status Problem(const std::string& input, const std::string& text) {
  return absl::InvalidArgumentError(absl::StrCat("input '", input, "': ", text));
}

template <typename T>
void Fill(std::span<std::byte> bytes) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> share(0, 1);
  const std::span<T> items(reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T));
  for (T& item : items) {
    if constexpr (HalfItem<T>) {
      item = T::From(share(random));
    } else {
      item = static_cast<T>(share(random));
    }
  }
}

absl::StatusOr<Value> SampleTensor(DataType dtype, std::vector<int64_t> shape,
                                   const std::optional<IntRange>& range) {
  const absl::StatusOr<int64_t> items = ItemCount(shape);
  if (!items.ok()) return items.status();
  if (*items > kMaxBytes / ItemBytes(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor of shape ", ShapeText(shape), " has more than 2 GiB"));
  }
  std::vector<std::byte> data(static_cast<size_t>(*items * ItemBytes(dtype)));
  WithItemType(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    // Integers stay 0, or the least that is declared: they are often indices.
    if constexpr (HalfItem<T> || std::is_floating_point_v<T>) {
      Fill<T>(data);
    } else if (range) {
      std::fill_n(reinterpret_cast<T*>(data.data()), *items, static_cast<T>(range->least));
    }
  });
  absl::StatusOr<Tensor> tensor = Tensor::Create(dtype, std::move(shape), std::move(data));
  if (!tensor.ok()) return tensor.status();
  return Value(*std::move(tensor));
}

// Whether a tensor of shape `shape` is one of the shape that is declared.
bool Fits(const std::vector<int64_t>& shape, const std::vector<int64_t>& declared) {
  return std::equal(shape.begin(), shape.end(), declared.begin(), declared.end(),
                    [](int64_t length, int64_t wanted) { return wanted < 0 || length == wanted; });
}

// The declared shape without free dimensions, or the one that was typed.
absl::StatusOr<std::vector<int64_t>> ShapeOf(const ValueSignature& input,
                                             const SampleOptions& options) {
  const auto typed = std::find_if(options.shapes.begin(), options.shapes.end(),
                                  [&](const Shape& s) { return s.name == input.name; });
  if (typed != options.shapes.end()) {
    if (!input.shape || Fits(typed->lengths, *input.shape)) return typed->lengths;
    return absl::InvalidArgumentError(absl::StrCat(
        "expected a shape like ", ShapeText(*input.shape),
        " (-1: any length), got --shape=", input.name, "=", ShapeText(typed->lengths)));
  }
  if (!input.shape) {
    return absl::InvalidArgumentError(
        absl::StrCat("the signature declares no shape; give one: --shape ", input.name,
                     "=1,…, or the tensor itself: --input ", input.name, "=@", input.name, ".npy"));
  }
  std::vector<int64_t> shape = *input.shape;
  if (!shape.empty() && shape[0] < 0) shape[0] = options.rows.value_or(1);
  std::replace_if(
      shape.begin(), shape.end(), [](int64_t length) { return length < 0; }, 1);
  return shape;
}

absl::StatusOr<Value> Sample(const ValueSignature& input, const SampleOptions& options) {
  const absl::StatusOr<Type> type = Type::Parse(input.type);
  switch (type.ok() ? type->kind() : Kind::kOther) {
    case Kind::kTensor: {
      if (!input.dtype) {
        return absl::InvalidArgumentError(
            absl::StrCat("the signature declares no dtype; give the tensor: --input ", input.name,
                         "=@", input.name, ".npy"));
      }
      absl::StatusOr<std::vector<int64_t>> shape = ShapeOf(input, options);
      if (!shape.ok()) return shape.status();
      return SampleTensor(*input.dtype, *std::move(shape), input.range);
    }
    case Kind::kText:
      return Value("text");
    case Kind::kInt:
    case Kind::kNumber:
      return Value(input.range ? input.range->least : int64_t{1});
    case Kind::kFloat:
      return Value(0.5);
    case Kind::kBool:
      return Value(false);
    case Kind::kNone:
    case Kind::kOptional:
      return Value();
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "a ", input.type, " cannot be made up; give one: --input ", input.name, "=VALUE"));
  }
}

// Whether --rows changes anything of it.
bool HasFreeRows(const ValueSignature& input) {
  return input.shape && !input.shape->empty() && input.shape->front() < 0;
}

}  // namespace

absl::StatusOr<std::vector<NamedValue>> SampleInputs(const MethodSignature& method,
                                                     std::vector<NamedValue> given,
                                                     const SampleOptions& options) {
  const auto is_given = [&](const std::string& name) {
    return std::any_of(given.begin(), given.end(),
                       [&](const NamedValue& value) { return value.name == name; });
  };
  for (const Shape& shape : options.shapes) {
    if (FindValue(method.inputs, shape.name) == nullptr) {
      return Problem(shape.name, "has a --shape, but the method has no such input");
    }
    if (is_given(shape.name)) return Problem(shape.name, "has a --shape, and a --input too");
  }
  if (options.rows && std::none_of(method.inputs.begin(), method.inputs.end(), HasFreeRows)) {
    return absl::InvalidArgumentError(
        "--rows: the signature leaves no first dimension free; use --shape or --input");
  }
  std::vector<NamedValue> inputs;
  for (const ValueSignature& input : method.inputs) {
    if (is_given(input.name) || input.has_default) continue;
    absl::StatusOr<Value> value = Sample(input, options);
    if (!value.ok()) return Problem(input.name, std::string(value.status().message()));
    inputs.push_back({.name = input.name, .value = *std::move(value)});
  }
  std::move(given.begin(), given.end(), std::back_inserter(inputs));
  return inputs;
}

}  // namespace torchere::cli
