// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/sample_files.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/pipeline/npz_file.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

template <typename T>
T Only(const Tensor& tensor) {
  T item;
  tensor.data.CopyTo(&item);
  return item;
}

// A lone number where the input is one.
Value AsInput(const Value& value, const ValueType& type) {
  const auto* tensor = std::get_if<Tensor>(&value.kind);
  if (tensor == nullptr || !tensor->shape.empty()) return value;
  const DType dtype = tensor->dtype;
  if (type.kind == Kind::kInt && dtype == DType::kInt64) return {Only<int64_t>(*tensor)};
  if (type.kind == Kind::kFloat && dtype == DType::kFp64) return {Only<double>(*tensor)};
  if (type.kind == Kind::kBool && dtype == DType::kBool) return {Only<uint8_t>(*tensor) != 0};
  return value;
}

NamedValues InputsOf(const MethodSignature& method, NamedValues inputs) {
  for (NamedValue& input : inputs) {
    for (const ValueSpec& spec : method.inputs) {
      if (spec.name == input.name) input.value = AsInput(input.value, spec.type);
    }
  }
  return inputs;
}

}  // namespace

absl::StatusOr<MethodSamples> ReadSamples(const std::vector<std::string>& files,
                                          const Signature& signature) {
  MethodSamples samples;
  for (const std::string& file : files) {
    TORCHERE_ASSIGN_OR_RETURN(const NamedValues values, ReadNpz(file));
    absl::Status why;
    bool fits = false;
    for (const MethodSignature& method : signature.methods) {
      absl::StatusOr<Arguments> arguments = BindInputs(method, InputsOf(method, values));
      if (arguments.ok()) {
        samples[&method].push_back(*std::move(arguments));
        fits = true;
      } else if (why.ok()) {
        why = arguments.status();
      }
    }
    if (fits) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("'", file, "' is a sample of no method: ", why.message()));
  }
  return samples;
}

}  // namespace torchere
