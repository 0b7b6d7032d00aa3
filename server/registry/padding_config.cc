// SPDX-License-Identifier: Apache-2.0
#include "server/registry/padding_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/request/item_bytes.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

// A request's limits.
constexpr size_t kMaxNameBytes = 256;
constexpr int64_t kMaxRank = 16;
constexpr int64_t kMaxLength = int64_t{1} << 24;
// Each is tried at load and has a queue.
constexpr size_t kMaxBuckets = 32;

absl::StatusOr<int64_t> ReadCount(const YamlValue& value, int64_t most) {
  TORCHERE_ASSIGN_OR_RETURN(const int64_t count, value.Int());
  if (count >= 1 && count <= most) return count;
  return value.Error(absl::StrCat("expected 1 to ", most, ", got ", count));
}

absl::StatusOr<size_t> ReadAxis(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const int64_t axis, value.Int());
  if (axis == 0) return value.Error("0 is the axis of the rows; expected 1 or more");
  if (axis >= 1 && axis < kMaxRank) return static_cast<size_t>(axis);
  return value.Error(absl::StrCat("expected 1 to ", kMaxRank - 1, ", got ", axis));
}

absl::StatusOr<std::vector<int64_t>> ReadBuckets(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  if (items.empty()) return value.Error("has no length in it");
  if (items.size() > kMaxBuckets) {
    return value.Error(absl::StrCat("expected at most ", kMaxBuckets, ", got ", items.size()));
  }
  std::vector<int64_t> buckets;
  for (const YamlValue& item : items) {
    TORCHERE_ASSIGN_OR_RETURN(const int64_t bucket, ReadCount(item, kMaxLength));
    if (!buckets.empty() && bucket <= buckets.back()) {
      return item.Error(
          absl::StrCat("buckets must ascend; ", bucket, " comes after ", buckets.back()));
    }
    buckets.push_back(bucket);
  }
  return buckets;
}

absl::StatusOr<std::vector<std::string>> ReadNames(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlValue> items, value.Items());
  std::vector<std::string> names;
  for (const YamlValue& item : items) {
    TORCHERE_ASSIGN_OR_RETURN(names.emplace_back(), item.Text(kMaxNameBytes));
  }
  return names;
}

absl::StatusOr<DeclaredPadding> ReadInput(const YamlEntry& input) {
  DeclaredPadding padding;
  padding.input = input.key;
  padding.line = input.value.line();
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> entries, input.value.Entries());
  for (const auto& [key, value] : entries) {
    if (key == "axis") {
      TORCHERE_ASSIGN_OR_RETURN(padding.axis, ReadAxis(value));
    } else if (key == "value") {
      TORCHERE_ASSIGN_OR_RETURN(padding.value, value.Number());
    } else if (key == "buckets") {
      TORCHERE_ASSIGN_OR_RETURN(padding.buckets, ReadBuckets(value));
    } else if (key == "mask") {
      TORCHERE_ASSIGN_OR_RETURN(padding.mask, value.Text(kMaxNameBytes));
    } else if (key == "outputs") {
      TORCHERE_ASSIGN_OR_RETURN(padding.outputs, ReadNames(value));
    } else {
      return value.Error("unknown key; known are axis, value, buckets, mask, outputs");
    }
  }
  if (padding.buckets.empty()) return input.value.Error("has no buckets, as buckets: [16, 64]");
  return padding;
}

const ValueType& WithoutOptional(const ValueType& type) {
  return type.kind == Kind::kOptional ? type.elements[0] : type;
}

const std::string& ArchiveName(const ValueSpec& spec) {
  return spec.archive_name.empty() ? spec.name : spec.archive_name;
}

std::string Names(const std::vector<ValueSpec>& specs) {
  if (specs.empty()) return "none";
  return absl::StrJoin(specs, ", ", [](std::string* out, const ValueSpec& spec) {
    absl::StrAppend(out, "'", ArchiveName(spec), "'");
  });
}

// The place of what the archive calls `name`.
std::optional<size_t> Find(const std::vector<ValueSpec>& specs, const std::string& name) {
  const auto found = std::find_if(specs.begin(), specs.end(), [&name](const ValueSpec& spec) {
    return ArchiveName(spec) == name;
  });
  if (found == specs.end()) return std::nullopt;
  return static_cast<size_t>(found - specs.begin());
}

// One method's padding on its way into its signature.
class PaddingDeclarer {
 public:
  PaddingDeclarer(const ModelConfig& config, MethodSignature& method)
      : config_(config), method_(method) {}

  absl::Status Declare(const std::vector<DeclaredPadding>& all) {
    bool any_required = false;
    for (const DeclaredPadding& declared : all) {
      declared_ = &declared;
      TORCHERE_RETURN_IF_ERROR(CheckRunsTogether());
      TORCHERE_RETURN_IF_ERROR(AddInput());
      for (const std::string& output : declared.outputs) {
        TORCHERE_RETURN_IF_ERROR(AddOutput(output));
      }
      const ValueSpec& input = method_.inputs[method_.padding.inputs.back().place];
      any_required = any_required || (!input.has_default && input.type.kind == Kind::kTensor);
    }
    // Now that all inputs are known.
    for (const DeclaredPadding& declared : all) {
      declared_ = &declared;
      if (!declared.mask.empty()) TORCHERE_RETURN_IF_ERROR(AddMask());
    }
    if (any_required || all.empty()) return absl::OkStatus();
    return Error("", "every input under pad may be left out; one of them must not");
  }

 private:
  // Of what the archive calls `name`; `key` is where it stands.
  absl::StatusOr<size_t> FindInput(absl::string_view key, const std::string& name) {
    const std::optional<size_t> place = Find(method_.inputs, name);
    if (!place) {
      return Error(key, absl::StrCat("the archive has no input '", name, "'; it has ",
                                     Names(method_.inputs)));
    }
    const ValueSpec& spec = method_.inputs[*place];
    if (WithoutOptional(spec.type).kind == Kind::kTensor) return *place;
    return Error(key, absl::StrCat("input '", name, "' is a ", spec.type.text,
                                   " in the archive; only a Tensor is padded"));
  }

  absl::Status CheckRunsTogether() {
    if (config_.stateful) {
      return Error("", "the requests of a stateful model never run together; take pad out");
    }
    if (config_.batching.mode == BatchingConfig::Mode::kOff) {
      return Error("", "with batching: {mode: off} requests never run together; take pad out");
    }
    return absl::OkStatus();
  }

  absl::Status CheckAxis(absl::string_view key, const ValueSpec& spec) {
    const Shape& shape = *spec.shape;
    const size_t axis = declared_->axis;
    if (axis < shape.size() && shape[axis] == -1) return absl::OkStatus();
    return Error(key, absl::StrCat("'", ArchiveName(spec), "' is declared as ", ShapeText(shape),
                                   "; expected -1 at axis ", axis));
  }

  absl::Status AddInput() {
    Padding& padding = method_.padding;
    TORCHERE_ASSIGN_OR_RETURN(const size_t place, FindInput("", declared_->input));
    const ValueSpec& spec = method_.inputs[place];
    if (!spec.dtype || !spec.shape) {
      return Error("", absl::StrCat("input '", spec.name,
                                    "' needs a declared dtype and shape, as inputs: [{name: ",
                                    spec.name, ", dtype: INT64, shape: [-1, -1]}]"));
    }
    TORCHERE_RETURN_IF_ERROR(CheckAxis("", spec));
    if (padding.buckets.empty()) padding.buckets = declared_->buckets;
    if (padding.buckets != declared_->buckets) {
      const std::string& first = method_.inputs[padding.inputs.front().place].name;
      return Error(".buckets",
                   absl::StrCat("all inputs under pad have one length: expected ", first, "'s [",
                                absl::StrJoin(padding.buckets, ", "), "]"));
    }
    const std::optional<std::string> item = ItemBytes(*spec.dtype, declared_->value);
    if (!item) {
      return Error(".value", absl::StrCat(declared_->value, " is no ", Name(*spec.dtype)));
    }
    const double value = declared_->value;
    if (spec.range && (value < static_cast<double>(spec.range->least) ||
                       value > static_cast<double>(spec.range->most))) {
      return Error(".value", absl::StrCat(value, " is outside of the input's range, ",
                                          spec.range->least, " to ", spec.range->most));
    }
    padding.inputs.push_back({place, declared_->axis, *item});
    return absl::OkStatus();
  }

  absl::Status AddMask() {
    constexpr absl::string_view kKey = ".mask";
    TORCHERE_ASSIGN_OR_RETURN(const size_t place, FindInput(kKey, declared_->mask));
    ValueSpec& spec = method_.inputs[place];
    for (const Padding::Input& input : method_.padding.inputs) {
      if (input.place != place) continue;
      return Error(kKey, absl::StrCat("input '", spec.name, "' is itself under pad"));
    }
    if (spec.is_made) {
      return Error(kKey, absl::StrCat("input '", spec.name, "' is the mask of another already"));
    }
    if (!spec.dtype) {
      return Error(kKey, absl::StrCat("input '", spec.name,
                                      "' needs a declared dtype, as inputs: [{name: ", spec.name,
                                      ", dtype: BOOL}]"));
    }
    const Shape any = {-1, -1};
    if (spec.shape.value_or(any) != any) {
      return Error(kKey, absl::StrCat("a mask is [rows, length]: expected [-1, -1], but '",
                                      spec.name, "' is declared as ", ShapeText(*spec.shape)));
    }
    spec.shape = any;
    spec.is_made = true;
    spec.has_default = false;
    spec.default_value.reset();
    const size_t of = *Find(method_.inputs, declared_->input);
    method_.padding.masks.push_back(
        {place, of, *ItemBytes(*spec.dtype, 0), *ItemBytes(*spec.dtype, 1)});
    return absl::OkStatus();
  }

  absl::Status AddOutput(const std::string& name) {
    constexpr absl::string_view kKey = ".outputs";
    const std::optional<size_t> place = Find(method_.outputs, name);
    if (!place && !method_.outputs_vary) {
      return Error(kKey, absl::StrCat("the archive has no output '", name, "'; it has ",
                                      Names(method_.outputs)));
    }
    // Of outputs that vary, one that is not declared has no spec.
    const ValueSpec* const spec = place ? &method_.outputs[*place] : nullptr;
    const std::string& called = spec != nullptr ? spec->name : name;
    if (WithoutOptional(OutputType(method_, called)).kind != Kind::kTensor) {
      return Error(kKey, absl::StrCat("output '", name, "' is a ", OutputType(method_, called).text,
                                      "; only a Tensor is cut"));
    }
    if (spec != nullptr && spec->shape) TORCHERE_RETURN_IF_ERROR(CheckAxis(kKey, *spec));
    for (const Padding::Output& other : method_.padding.outputs) {
      if (other.name != called) continue;
      return Error(kKey, absl::StrCat("output '", name, "' stands here twice"));
    }
    method_.padding.outputs.push_back({called, declared_->axis});
    return absl::OkStatus();
  }

  absl::Status Error(absl::string_view key, absl::string_view problem) {
    return absl::InvalidArgumentError(absl::StrCat(config_.path, ":", declared_->line, ": method '",
                                                   method_.name, "': pad.", declared_->input, key,
                                                   ": ", problem));
  }

  const ModelConfig& config_;
  MethodSignature& method_;
  const DeclaredPadding* declared_ = nullptr;
};

}  // namespace

absl::StatusOr<std::vector<DeclaredPadding>> ReadPadding(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::vector<YamlEntry> inputs, value.Entries());
  if (inputs.empty()) return value.Error("has no input in it");
  std::vector<DeclaredPadding> all;
  for (const YamlEntry& input : inputs) {
    TORCHERE_ASSIGN_OR_RETURN(all.emplace_back(), ReadInput(input));
  }
  return all;
}

absl::Status DeclarePadding(const ModelConfig& config, const std::vector<DeclaredPadding>& declared,
                            MethodSignature& method) {
  return PaddingDeclarer(config, method).Declare(declared);
}

}  // namespace torchere
