// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torchscript/signature_reader.h"

#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/backend/torch/value_bridge.h"
#include "server/base/status_macros.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

ValueType ReadType(const c10::Type& type);

// "__torch__.ranker.___torch_mangle_3.Ranking" → "Ranking"
std::string LastName(const std::string& qualified) {
  return qualified.substr(qualified.rfind('.') + 1);
}

std::string JoinTexts(const std::vector<ValueType>& types) {
  return absl::StrJoin(types, ", ",
                       [](std::string* out, const ValueType& type) { out->append(type.text); });
}

ValueType MakeType(Kind kind, std::string text, std::vector<ValueType> elements = {},
                   std::vector<std::string> fields = {}) {
  return {.kind = kind,
          .elements = std::move(elements),
          .fields = std::move(fields),
          .text = std::move(text)};
}

ValueType MakeContainer(Kind kind, absl::string_view name, std::vector<ValueType> elements) {
  std::string text = absl::StrCat(name, "[", JoinTexts(elements), "]");
  return MakeType(kind, std::move(text), std::move(elements));
}

ValueType ReadTupleType(const c10::TupleType& type) {
  std::vector<ValueType> elements;
  for (const c10::TypePtr& element : type.elements()) elements.push_back(ReadType(*element));
  if (type.schema() == nullptr) {
    if (elements.empty()) return MakeType(Kind::kTuple, "Tuple[()]");
    return MakeContainer(Kind::kTuple, "Tuple", std::move(elements));
  }
  std::vector<std::string> fields;
  std::vector<std::string> texts;
  for (size_t i = 0; i < elements.size(); ++i) {
    fields.push_back(type.schema()->arguments()[i].name());
    texts.push_back(absl::StrCat(fields[i], ": ", elements[i].text));
  }
  const std::string name = type.name() ? type.name()->name() : "NamedTuple";
  return MakeType(Kind::kNamedTuple, absl::StrCat(name, "(", absl::StrJoin(texts, ", "), ")"),
                  std::move(elements), std::move(fields));
}

ValueType ReadType(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
      return MakeType(Kind::kTensor, "Tensor");
    case c10::TypeKind::StringType:
      return MakeType(Kind::kText, "str");
    case c10::TypeKind::IntType:
      return MakeType(Kind::kInt, "int");
    case c10::TypeKind::FloatType:
      return MakeType(Kind::kFloat, "float");
    case c10::TypeKind::NumberType:
      return MakeType(Kind::kNumber, "number");
    case c10::TypeKind::BoolType:
      return MakeType(Kind::kBool, "bool");
    case c10::TypeKind::NoneType:
      return MakeType(Kind::kNull, "None");
    case c10::TypeKind::OptionalType:
      return MakeContainer(Kind::kOptional, "Optional",
                           {ReadType(*type.expectRef<c10::OptionalType>().getElementType())});
    case c10::TypeKind::ListType:
      return MakeContainer(Kind::kList, "List",
                           {ReadType(*type.expectRef<c10::ListType>().getElementType())});
    case c10::TypeKind::DictType: {
      const auto& dict = type.expectRef<c10::DictType>();
      return MakeContainer(Kind::kDict, "Dict",
                           {ReadType(*dict.getKeyType()), ReadType(*dict.getValueType())});
    }
    case c10::TypeKind::TupleType:
      return ReadTupleType(type.expectRef<c10::TupleType>());
    default:
      return MakeType(Kind::kUnsupported, LastName(type.annotation_str()));
  }
}

ValueSpec ReadArgument(const c10::Argument& argument) {
  ValueSpec spec;
  spec.name = argument.name();
  spec.type = ReadType(*argument.type());
  const std::optional<c10::IValue>& default_value = argument.default_value();
  if (!default_value) return spec;
  spec.has_default = true;
  absl::StatusOr<Value> value = FromTorch(*default_value, *argument.type(), {}, "");
  if (value.ok()) spec.default_value = *std::move(value);
  return spec;
}

// Whether the outputs' names are the keys of the dict that a method returns.
bool NamedByKeys(const c10::Type& returns) {
  const auto* dict = returns.castRaw<c10::DictType>();
  return dict != nullptr && dict->getKeyType()->kind() == c10::TypeKind::StringType;
}

// Names of the outputs of a method that returns `returns`, by its type alone.
std::vector<std::string> OutputNames(const c10::Type& returns) {
  if (NamedByKeys(returns)) return {};
  const auto* tuple = returns.castRaw<c10::TupleType>();
  if (tuple == nullptr) return {"output"};
  std::vector<std::string> names;
  for (size_t i = 0; i < tuple->elements().size(); ++i) {
    names.push_back(tuple->schema() ? tuple->schema()->arguments()[i].name()
                                    : absl::StrCat("output_", i));
  }
  return names;
}

MethodSignature ReadMethod(const c10::FunctionSchema& schema) {
  MethodSignature method;
  method.name = schema.name();
  // The first is the module, whatever it is called.
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    method.inputs.push_back(ReadArgument(schema.arguments()[i]));
  }
  const c10::Type& returns = *schema.returns().at(0).type();
  method.returns = ReadType(returns);
  method.outputs_vary = NamedByKeys(returns);
  const std::vector<std::string> names = OutputNames(returns);
  const bool split = returns.kind() == c10::TypeKind::TupleType;
  for (size_t i = 0; i < names.size(); ++i) {
    ValueSpec& output = method.outputs.emplace_back();
    output.name = names[i];
    output.type = split ? method.returns.elements[i] : method.returns;
  }
  return method;
}

absl::StatusOr<NamedValues> ReadTuple(const c10::IValue& returned, const c10::TupleType& type,
                                      const OutputPath& path) {
  const std::vector<std::string> names = OutputNames(type);
  const auto& elements = returned.toTupleRef().elements();
  NamedValues outputs;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string name = absl::StrCat("output '", names[i], "'");
    TORCHERE_ASSIGN_OR_RETURN(Value output,
                              FromTorch(elements.at(i), *type.elements()[i], path, name));
    outputs.push_back({names[i], std::move(output)});
  }
  return outputs;
}

}  // namespace

Signature ReadSignature(const torch::jit::Module& module) {
  Signature signature;
  for (const torch::jit::Method& method : module.get_methods()) {
    if (absl::StartsWith(method.name(), "_")) continue;
    signature.methods.push_back(ReadMethod(method.function().getSchema()));
    signature.methods.back().name = method.name();
  }
  std::sort(signature.methods.begin(), signature.methods.end(),
            [](const MethodSignature& a, const MethodSignature& b) {
              return std::forward_as_tuple(a.name != "forward", a.name) <
                     std::forward_as_tuple(b.name != "forward", b.name);
            });
  return signature;
}

absl::StatusOr<NamedValues> ReadOutputs(const c10::IValue& returned, const c10::Type& type,
                                        const OutputPath& path) {
  if (returned.isTuple() && type.kind() == c10::TypeKind::TupleType) {
    return ReadTuple(returned, type.expectRef<c10::TupleType>(), path);
  }
  TORCHERE_ASSIGN_OR_RETURN(Value output, FromTorch(returned, type, path, "output"));
  NamedValues outputs;
  if (!NamedByKeys(type)) {
    outputs.push_back({"output", std::move(output)});
    return outputs;
  }
  for (MapEntry& entry : std::get<Map>(output.kind)) {
    outputs.push_back({std::get<std::string>(std::move(entry.key)), std::move(entry.value)});
  }
  return outputs;
}

}  // namespace torchere
