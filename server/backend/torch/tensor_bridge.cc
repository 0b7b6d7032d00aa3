// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/tensor_bridge.h"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/backend/torch/exceptions.h"
#include "server/base/status_macros.h"

namespace torchere {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 10> kScalarTypes = {{
    {DType::kBool, at::kBool},
    {DType::kUint8, at::kByte},
    {DType::kInt8, at::kChar},
    {DType::kInt16, at::kShort},
    {DType::kInt32, at::kInt},
    {DType::kInt64, at::kLong},
    {DType::kFp16, at::kHalf},
    {DType::kBf16, at::kBFloat16},
    {DType::kFp32, at::kFloat},
    {DType::kFp64, at::kDouble},
}};

at::ScalarType ScalarTypeOf(DType dtype) {
  static_assert(static_cast<size_t>(DType::kBool) == 1);
  return kScalarTypes[static_cast<size_t>(dtype) - 1].second;
}

std::optional<DType> DTypeOf(at::ScalarType type) {
  for (const auto& [dtype, scalar_type] : kScalarTypes) {
    if (scalar_type == type) return dtype;
  }
  return std::nullopt;
}

// What keeps a tensor from being described as a Tensor; empty if nothing does.
std::string Obstacle(const at::Tensor& tensor) {
  if (!tensor.defined()) return "an undefined tensor";
  if (tensor.is_nested()) return "a nested tensor";
  if (tensor.layout() != at::kStrided) {
    return absl::StrCat("a tensor of layout ", c10::str(tensor.layout()));
  }
  if (tensor.is_quantized()) {
    return absl::StrCat("a quantized tensor (", c10::toString(tensor.scalar_type()), ")");
  }
  if (!DTypeOf(tensor.scalar_type())) {
    return absl::StrCat("a tensor of dtype ",
                        absl::AsciiStrToLower(c10::toString(tensor.scalar_type())));
  }
  if (tensor.is_meta()) return "a tensor on the meta device, which has no items";
  return "";
}

// The tensor's items, row-major, on the CPU.
at::Tensor InMemory(const at::Tensor& tensor, OutputMemory memory) {
  at::Tensor items = tensor.resolve_neg().to(at::kCPU).contiguous();
  const bool is_models = items.storage().is_alias_of(tensor.storage());
  const bool pins_too_much = items.nbytes() * 4 < items.storage().nbytes();
  if (pins_too_much || (is_models && memory == OutputMemory::kCopy)) return items.clone();
  return items;
}

}  // namespace

at::Tensor ToTorch(const Tensor& tensor, TorchStaging* staging) {
  const at::IntArrayRef sizes(tensor.shape.data(), tensor.shape.size());
  const at::ScalarType type = ScalarTypeOf(tensor.dtype);
  if (staging != nullptr) return staging->ToDevice(sizes, type, tensor.data);
  at::Tensor copy = at::empty(sizes, at::TensorOptions(type));
  TORCH_CHECK(tensor.data.size() == copy.nbytes(), "a tensor of ", copy.nbytes(), " bytes has ",
              tensor.data.size());
  if (!tensor.data.empty()) tensor.data.CopyTo(copy.mutable_data_ptr());
  return copy;
}

absl::StatusOr<Tensor> FromTorch(const at::Tensor& tensor, const OutputPath& path,
                                 const std::string& name) {
  if (const std::string obstacle = Obstacle(tensor); !obstacle.empty()) {
    return UnsupportedOutput(name, obstacle);
  }
  const bool is_begun = path.staging != nullptr && tensor.device() == path.staging->device();
  at::Tensor items = is_begun ? path.staging->ToHost(tensor) : InMemory(tensor, path.memory);
  Tensor result;
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): without one it is an obstacle.
  result.dtype = *DTypeOf(items.scalar_type());
  result.shape.assign(items.sizes().begin(), items.sizes().end());
  const auto* data = static_cast<const char*>(items.const_data_ptr());
  const size_t size = items.nbytes();
  result.data.Append({data, size, std::make_shared<const at::Tensor>(std::move(items))});
  return result;
}

}  // namespace torchere
