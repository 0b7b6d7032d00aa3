// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/sample_inputs.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/batching/padding.h"
#include "server/request/rows.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

// Larger samples would be a load of their own.
constexpr int64_t kMaxSampleBytes = int64_t{1} << 30;

// Not 1, which broadcasts, nor 2, which could be rows.
constexpr int64_t kFreeLength = 3;

// An item whose bytes are a number in [-1, 1), or where only whole numbers fit one
// of `range`: 0 or 1 where that is not declared, which no embedding lacks.
void AppendItem(DType dtype, const IntRange& range, std::mt19937& random, std::string& bytes) {
  const float real = std::uniform_real_distribution<float>(-1, 1)(random);
  const int64_t whole = std::uniform_int_distribution<int64_t>(range.least, range.most)(random);
  const auto append = [&bytes](const void* item, size_t size) {
    bytes.append(static_cast<const char*>(item), size);
  };
  if (dtype == DType::kFp32) return append(&real, sizeof real);
  if (dtype == DType::kFp64) {
    const double number = real;
    return append(&number, sizeof number);
  }
  if (dtype == DType::kBf16 || dtype == DType::kFp16) {
    // 0 and 1.
    const uint16_t one = dtype == DType::kBf16 ? 0x3F80 : 0x3C00;
    const uint16_t bits = whole != 0 ? one : 0;
    return append(&bits, sizeof bits);
  }
  append(&whole, static_cast<size_t>(ItemSize(dtype)));
}

absl::StatusOr<Tensor> SampleTensor(const ValueSpec& spec, int64_t rows, std::mt19937& random) {
  Tensor tensor{*spec.dtype, *spec.shape, {}};
  for (int64_t& dim : tensor.shape) {
    if (dim == -1) dim = &dim == tensor.shape.data() ? rows : kFreeLength;
  }
  const auto size = ByteSize(tensor.dtype, tensor.shape);
  if (!size || *size > kMaxSampleBytes) {
    return absl::FailedPreconditionError(
        absl::StrCat("input '", spec.name, "' is too large for a sample"));
  }
  std::string bytes;
  bytes.reserve(static_cast<size_t>(*size));
  const IntRange range = spec.range.value_or(IntRange{0, 1});
  while (bytes.size() < static_cast<size_t>(*size)) {
    AppendItem(tensor.dtype, range, random, bytes);
  }
  tensor.data = Bytes(std::move(bytes));
  return tensor;
}

bool IsTensor(const ValueSpec& spec) { return spec.type.kind == Kind::kTensor; }

}  // namespace

absl::StatusOr<Arguments> SampleInputs(const MethodSignature& method, int64_t rows,
                                       std::mt19937& random) {
  Arguments arguments;
  for (const ValueSpec& spec : method.inputs) {
    std::optional<Value>& argument = arguments.emplace_back();
    if (spec.has_default || spec.is_made) continue;
    if (spec.type.kind == Kind::kOptional) {
      argument = Value{Null{}};
      continue;
    }
    if (!IsTensor(spec)) {
      return absl::FailedPreconditionError(
          absl::StrCat("input '", spec.name, "' of type ", spec.type.text, " has no default"));
    }
    if (!spec.dtype || !spec.shape) {
      return absl::FailedPreconditionError(
          absl::StrCat("input '", spec.name, "' has no declared dtype and shape"));
    }
    TORCHERE_ASSIGN_OR_RETURN(Tensor tensor, SampleTensor(spec, rows, random));
    argument = Value{std::move(tensor)};
  }
  if (method.padding.buckets.empty()) return arguments;
  TORCHERE_ASSIGN_OR_RETURN(const PaddedLength length, LengthOf(method, arguments));
  Pad(method, length, arguments);
  return arguments;
}

Arguments RepeatRows(const std::vector<Arguments>& given, int64_t rows) {
  std::vector<const Arguments*> all;
  for (int64_t count = 0; count < rows;) {
    for (const Arguments& sample : given) {
      // What holds a NaN does not agree with itself.
      if (&sample != &given.front() && !CanStack(given.front(), sample)) continue;
      all.push_back(&sample);
      count += RowsOf(sample).value_or(rows);
    }
  }
  return SliceRows(Stack(all, rows), 0, rows);
}

int64_t CountDifferentRows(const std::vector<Arguments>& given, int64_t most) {
  std::set<std::string> seen;
  for (const Arguments& sample : given) {
    if (!CanStack(given.front(), sample)) continue;
    const int64_t rows = RowsOf(sample).value_or(0);
    for (int64_t row = 0; row < rows; ++row) {
      if (static_cast<int64_t>(seen.size()) == most) return most;
      std::string bytes;
      for (const std::optional<Value>& argument : SliceRows(sample, row, 1)) {
        const auto* tensor = argument ? std::get_if<Tensor>(&argument->kind) : nullptr;
        if (tensor != nullptr) bytes += tensor->data.ToString();
      }
      seen.insert(std::move(bytes));
    }
  }
  return static_cast<int64_t>(seen.size());
}

bool HasFreeRows(const MethodSignature& method) {
  bool any = false;
  for (const ValueSpec& spec : method.inputs) {
    if (!IsTensor(spec) || spec.has_default) continue;
    if (!spec.shape || spec.shape->empty() || spec.shape->front() != -1) return false;
    any = true;
  }
  return any;
}

bool HasFreeRows(const MethodSignature& method, const std::vector<Arguments>& given) {
  if (given.empty()) return HasFreeRows(method);
  for (const ValueSpec& spec : method.inputs) {
    if (spec.shape && (spec.shape->empty() || spec.shape->front() != -1)) return false;
  }
  return RowsOf(given.front()).has_value();
}

}  // namespace torchere
