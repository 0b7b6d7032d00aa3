// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/registry/model_config.h"
#include "server/registry/padding_config.h"

namespace torchere {
namespace {

// The name that the archive gives it.
const std::string& ArchiveName(const ValueSpec& spec) {
  return spec.archive_name.empty() ? spec.name : spec.archive_name;
}

template <typename Named, typename NameOf>
std::string Names(const std::vector<Named>& all, NameOf name_of) {
  if (all.empty()) return "none";
  return absl::StrJoin(all, ", ", [&name_of](std::string* out, const Named& one) {
    absl::StrAppend(out, "'", name_of(one), "'");
  });
}

const ValueType& WithoutOptional(const ValueType& type) {
  return type.kind == ValueType::Kind::kOptional ? type.elements[0] : type;
}

// What a dtype of integers can hold.
IntRange RangeOf(DType dtype) {
  if (dtype == DType::kUint8) return {0, std::numeric_limits<uint8_t>::max()};
  const int64_t most =
      std::numeric_limits<int64_t>::max() >> (64 - 8 * static_cast<int>(ItemSize(dtype)));
  return {-most - 1, most};
}

// One method's declarations on their way into its signature.
class Declarer {
 public:
  Declarer(const std::string& file, MethodSignature& method) : file_(file), method_(method) {}

  absl::Status Declare(const DeclaredMethod& declared) {
    for (const DeclaredValue& input : declared.inputs) {
      ValueSpec* spec = Find(method_.inputs, input.name);
      if (spec == nullptr) return NoSuch("input", input, method_.inputs);
      TORCHERE_RETURN_IF_ERROR(Merge(input, "input", *spec));
    }
    for (const DeclaredValue& output : declared.outputs) {
      ValueSpec* spec = Find(method_.outputs, output.name);
      if (spec == nullptr && method_.outputs_vary) spec = &AddOutput(output.name);
      if (spec == nullptr) return NoSuch("output", output, method_.outputs);
      TORCHERE_RETURN_IF_ERROR(Merge(output, "output", *spec));
      if (output.rename.empty() || output.rename == output.name) continue;
      spec->archive_name = output.name;
      spec->name = output.rename;
    }
    return CheckOutputNames();
  }

 private:
  static ValueSpec* Find(std::vector<ValueSpec>& specs, const std::string& name) {
    for (ValueSpec& spec : specs) {
      if (ArchiveName(spec) == name) return &spec;
    }
    return nullptr;
  }

  // Of a Dict each output is one of its values.
  ValueSpec& AddOutput(const std::string& name) {
    const ValueType& returns = WithoutOptional(method_.returns);
    ValueSpec spec;
    spec.name = name;
    if (returns.kind == ValueType::Kind::kDict) spec.type = returns.elements[1];
    return method_.outputs.emplace_back(std::move(spec));
  }

  absl::Status Merge(const DeclaredValue& declared, absl::string_view side, ValueSpec& spec) {
    const bool of_tensor = declared.dtype || declared.shape || !declared.labels.empty();
    if (of_tensor && WithoutOptional(spec.type).kind != ValueType::Kind::kTensor) {
      return Error(declared, absl::StrCat(side, " '", declared.name, "' is a ", spec.type.text,
                                          " in the archive; only a Tensor has a dtype, a shape "
                                          "and labels"));
    }
    if (declared.dtype) spec.dtype = declared.dtype;
    if (declared.shape) spec.shape = declared.shape;
    if (!declared.labels.empty()) spec.labels = declared.labels;
    return declared.range ? MergeRange(declared, spec) : absl::OkStatus();
  }

  absl::Status MergeRange(const DeclaredValue& declared, ValueSpec& spec) {
    const bool is_int = WithoutOptional(spec.type).kind == ValueType::Kind::kInt;
    if (!is_int && !(spec.dtype && IsInteger(*spec.dtype))) {
      return Error(declared, absl::StrCat("input '", declared.name,
                                          "': only an int, or a Tensor with a declared dtype of "
                                          "integers, has a range"));
    }
    const DType dtype = is_int ? DType::kInt64 : *spec.dtype;
    const IntRange all = RangeOf(dtype);
    if (declared.range->least < all.least || declared.range->most > all.most) {
      return Error(declared, absl::StrCat("input '", declared.name, "': the range is not within ",
                                          Name(dtype), "'s, ", all.least, " to ", all.most));
    }
    spec.range = declared.range;
    return absl::OkStatus();
  }

  absl::Status CheckOutputNames() {
    std::map<std::string, std::string> archive_names;
    for (const ValueSpec& spec : method_.outputs) {
      const auto [first, is_new] = archive_names.emplace(spec.name, ArchiveName(spec));
      if (is_new) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(file_, ": method '", method_.name, "': two outputs are called '", spec.name,
                       "': the archive's '", first->second, "' and '", ArchiveName(spec),
                       "'; rename one of them to something else"));
    }
    return absl::OkStatus();
  }

  absl::Status NoSuch(absl::string_view side, const DeclaredValue& declared,
                      const std::vector<ValueSpec>& specs) {
    return Error(declared, absl::StrCat("the archive has no ", side, " '", declared.name,
                                        "'; it has ", Names(specs, ArchiveName)));
  }

  absl::Status Error(const DeclaredValue& declared, absl::string_view problem) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_, ":", declared.line, ": method '", method_.name, "': ", problem));
  }

  const std::string& file_;
  MethodSignature& method_;
};

}  // namespace

absl::Status Declare(const ModelConfig& config, Signature& signature) {
  for (const auto& [name, declared] : config.methods) {
    MethodSignature* method = nullptr;
    for (MethodSignature& candidate : signature.methods) {
      if (candidate.name == name) method = &candidate;
    }
    if (method == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          config.path, ": the archive has no method '", name, "'; it has ",
          Names(signature.methods, [](const MethodSignature& one) { return one.name; })));
    }
    TORCHERE_RETURN_IF_ERROR(Declarer(config.path, *method).Declare(declared));
    TORCHERE_RETURN_IF_ERROR(DeclarePadding(config, declared.padding, *method));
  }
  return absl::OkStatus();
}

}  // namespace torchere
