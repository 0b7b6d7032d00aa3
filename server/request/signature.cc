// SPDX-License-Identifier: Apache-2.0
#include "server/request/signature.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"

namespace torchere {
namespace {

std::string Names(const std::vector<ValueSpec>& specs) {
  if (specs.empty()) return "none";
  return absl::StrJoin(specs, ", ", [](std::string* out, const ValueSpec& spec) {
    absl::StrAppend(out, "'", spec.name, "'");
  });
}

absl::Status Invalid(absl::string_view message, std::string reason, const std::string& input,
                     std::string expected = "", std::string got = "") {
  ErrorDetails details{.reason = std::move(reason), .metadata = {{"input", input}}};
  if (!expected.empty()) details.metadata["expected"] = std::move(expected);
  if (!got.empty()) details.metadata["got"] = std::move(got);
  return Refuse(absl::StatusCode::kInvalidArgument, message, std::move(details));
}

absl::Status CheckDeclared(const Tensor& tensor, const ValueSpec& spec) {
  if (spec.dtype && *spec.dtype != tensor.dtype) {
    const std::string expected(Name(*spec.dtype)), got(Name(tensor.dtype));
    return Invalid(
        absl::StrCat("input '", spec.name, "': expected dtype ", expected, ", got ", got),
        "DTYPE_MISMATCH", spec.name, expected, got);
  }
  if (!spec.shape) return absl::OkStatus();
  const bool same_rank = spec.shape->size() == tensor.shape.size();
  const bool fits = same_rank && std::equal(spec.shape->begin(), spec.shape->end(),
                                            tensor.shape.begin(), [](int64_t wanted, int64_t got) {
                                              return wanted == -1 || wanted == got;
                                            });
  if (fits) return absl::OkStatus();
  const std::string expected = ShapeText(*spec.shape), got = ShapeText(tensor.shape);
  if (same_rank) {
    return Invalid(
        absl::StrCat("input '", spec.name, "': expected shape ", expected, ", got ", got),
        "SHAPE_MISMATCH", spec.name, expected, got);
  }
  return Invalid(absl::StrCat("input '", spec.name, "': expected ", spec.shape->size(),
                              " dimensions ", expected, ", got ", tensor.shape.size(), " ", got),
                 "RANK_MISMATCH", spec.name, expected, got);
}

absl::Status OutOfRange(const ValueSpec& spec, int64_t value, absl::string_view where) {
  const std::string expected = absl::StrCat(spec.range->least, " to ", spec.range->most);
  return Invalid(
      absl::StrCat("input '", spec.name, "'", where, ": expected ", expected, ", got ", value),
      "OUT_OF_RANGE", spec.name, expected, absl::StrCat(value));
}

// "[2, 0]": where item `item` stands.
std::string IndexText(const Shape& shape, int64_t item) {
  Shape index = shape;
  for (size_t i = shape.size(); i-- > 0;) {
    index[i] = item % shape[i];
    item /= shape[i];
  }
  return absl::StrCat("[", absl::StrJoin(index, ", "), "]");
}

template <typename T>
absl::Status CheckItems(const Tensor& tensor, const ValueSpec& spec) {
  // Mostly it lies in one piece.
  const std::string joined =
      tensor.data.pieces().size() > 1 ? tensor.data.ToString() : std::string();
  const char* items =
      joined.empty() && !tensor.data.empty() ? tensor.data.pieces().front().data : joined.data();
  const auto count = static_cast<int64_t>(tensor.data.size() / sizeof(T));
  for (int64_t i = 0; i < count; ++i, items += sizeof(T)) {
    T item;
    std::memcpy(&item, items, sizeof item);
    if (item >= spec.range->least && item <= spec.range->most) continue;
    return OutOfRange(spec, item, IndexText(tensor.shape, i));
  }
  return absl::OkStatus();
}

absl::Status CheckRange(const Value& value, const ValueSpec& spec) {
  if (const auto* number = std::get_if<int64_t>(&value.kind)) {
    const bool inside = *number >= spec.range->least && *number <= spec.range->most;
    return inside ? absl::OkStatus() : OutOfRange(spec, *number, "");
  }
  const auto* tensor = std::get_if<Tensor>(&value.kind);
  if (tensor == nullptr) return absl::OkStatus();
  switch (tensor->dtype) {
    case DType::kUint8:
      return CheckItems<uint8_t>(*tensor, spec);
    case DType::kInt8:
      return CheckItems<int8_t>(*tensor, spec);
    case DType::kInt16:
      return CheckItems<int16_t>(*tensor, spec);
    case DType::kInt32:
      return CheckItems<int32_t>(*tensor, spec);
    case DType::kInt64:
      return CheckItems<int64_t>(*tensor, spec);
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckInput(const Value& value, const ValueSpec& spec) {
  if (!IsSupported(spec.type)) {
    return Invalid(absl::StrCat("input '", spec.name, "': its type ", spec.type.text,
                                " cannot be sent; leave the input out if it has a default, or "
                                "wrap the method in one that takes tensors, numbers, text, "
                                "lists, tuples and dicts"),
                   "UNSUPPORTED_INPUT", spec.name, spec.type.text);
  }
  if (absl::Status status = CheckType(value, spec.type, absl::StrCat("input '", spec.name, "'"));
      !status.ok()) {
    return Annotate(status, "", {{"input", spec.name}});
  }
  if (const auto* tensor = std::get_if<Tensor>(&value.kind)) {
    TORCHERE_RETURN_IF_ERROR(CheckDeclared(*tensor, spec));
  }
  return spec.range ? CheckRange(value, spec) : absl::OkStatus();
}

}  // namespace

const MethodSignature* Signature::Find(absl::string_view method) const {
  for (const MethodSignature& candidate : methods) {
    if (candidate.name == method) return &candidate;
  }
  return nullptr;
}

absl::StatusOr<Arguments> BindInputs(const MethodSignature& method, NamedValues inputs) {
  Arguments arguments(method.inputs.size());
  for (NamedValue& input : inputs) {
    const auto spec =
        std::find_if(method.inputs.begin(), method.inputs.end(),
                     [&input](const ValueSpec& candidate) { return candidate.name == input.name; });
    if (spec == method.inputs.end()) {
      return Invalid(absl::StrCat("unknown input '", input.name, "'; method '", method.name,
                                  "' takes ", Names(method.inputs)),
                     "UNKNOWN_INPUT", input.name, Names(method.inputs));
    }
    std::optional<Value>& argument = arguments[spec - method.inputs.begin()];
    if (argument) {
      return Invalid(absl::StrCat("input '", input.name, "' is given twice"), "DUPLICATE_INPUT",
                     input.name);
    }
    TORCHERE_RETURN_IF_ERROR(CheckInput(input.value, *spec));
    argument = std::move(input.value);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const ValueSpec& spec = method.inputs[i];
    if (arguments[i] || spec.has_default || spec.is_made) continue;
    return Invalid(
        absl::StrCat("input '", spec.name, "' of type ", spec.type.text, " is missing; method '",
                     method.name, "' takes ", Names(method.inputs)),
        "MISSING_INPUT", spec.name, spec.type.text);
  }
  return arguments;
}

absl::Status CheckWanted(const MethodSignature& method, const std::vector<std::string>& wanted) {
  std::set<std::string> seen;
  for (const std::string& name : wanted) {
    if (seen.insert(name).second) continue;
    return Refuse(absl::StatusCode::kInvalidArgument,
                  absl::StrCat("output '", name, "' is asked for twice"),
                  {.reason = "DUPLICATE_OUTPUT", .metadata = {{"output", name}}});
  }
  if (method.outputs_vary) return absl::OkStatus();
  for (const std::string& name : wanted) {
    const bool known =
        std::any_of(method.outputs.begin(), method.outputs.end(),
                    [&name](const ValueSpec& output) { return output.name == name; });
    if (known) continue;
    return Refuse(absl::StatusCode::kInvalidArgument,
                  absl::StrCat("unknown output '", name, "'; method '", method.name, "' returns ",
                               Names(method.outputs)),
                  {.reason = "UNKNOWN_OUTPUT", .metadata = {{"output", name}}});
  }
  return absl::OkStatus();
}

NamedValues NameOutputs(const MethodSignature& method, NamedValues outputs) {
  for (NamedValue& output : outputs) {
    for (const ValueSpec& spec : method.outputs) {
      if (spec.archive_name == output.name) {
        output.name = spec.name;
        break;
      }
    }
  }
  return outputs;
}

const ValueType& OutputType(const MethodSignature& method, const std::string& name) {
  for (const ValueSpec& output : method.outputs) {
    if (output.name == name) return output.type;
  }
  // Any of a Dict's.
  const ValueType& returns = method.returns;
  const ValueType& type =
      returns.kind == ValueType::Kind::kOptional ? returns.elements[0] : returns;
  return type.kind == ValueType::Kind::kDict ? type.elements[1] : type;
}

absl::StatusOr<NamedValues> PickOutputs(const MethodSignature& method, NamedValues outputs,
                                        const std::vector<std::string>& wanted) {
  if (wanted.empty()) return outputs;
  NamedValues selected;
  for (const std::string& name : wanted) {
    const auto output = std::find_if(outputs.begin(), outputs.end(),
                                     [&name](const NamedValue& o) { return o.name == name; });
    if (output == outputs.end()) {
      return Refuse(
          absl::StatusCode::kInvalidArgument,
          absl::StrCat("unknown output '", name, "'; method '", method.name, "' returned ",
                       absl::StrJoin(outputs, ", ",
                                     [](std::string* out, const NamedValue& o) {
                                       absl::StrAppend(out, "'", o.name, "'");
                                     })),
          {.reason = "UNKNOWN_OUTPUT", .metadata = {{"output", name}}});
    }
    selected.push_back({name, std::move(output->value)});
  }
  return selected;
}

}  // namespace torchere
