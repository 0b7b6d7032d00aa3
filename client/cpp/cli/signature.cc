// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/signature.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/cli/type.h"

namespace torchere::cli {
namespace {

std::string ExampleOf(const std::string& name, const std::string& type_text) {
  const absl::StatusOr<Type> type = Type::Parse(type_text);
  using Kind = Type::Kind;
  switch (type.ok() ? type->kind() : Kind::kOther) {
    case Kind::kTensor:
      return absl::StrCat("@", name, ".npy");
    case Kind::kText:
      return "'some text'";
    case Kind::kInt:
    case Kind::kNumber:
      return "1";
    case Kind::kFloat:
      return "0.5";
    case Kind::kBool:
      return "true";
    case Kind::kList:
    case Kind::kTuple:
      return "'[…]'";
    case Kind::kNamedTuple:
    case Kind::kDict:
    case Kind::kOther:
      return "'{…}'";
    case Kind::kNone:
    case Kind::kOptional:
    case Kind::kUnion:
      break;
  }
  return "null";
}

}  // namespace

const MethodSignature* FindMethod(const ModelSignature& signature, const std::string& name) {
  const auto found = std::find_if(signature.methods.begin(), signature.methods.end(),
                                  [&](const MethodSignature& m) { return m.name == name; });
  return found == signature.methods.end() ? nullptr : &*found;
}

const ValueSignature* FindValue(const std::vector<ValueSignature>& values,
                                const std::string& name) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const ValueSignature& v) { return v.name == name; });
  return found == values.end() ? nullptr : &*found;
}

std::vector<std::string> LabelsOf(const MethodSignature* method, const std::string& output) {
  const ValueSignature* value = method ? FindValue(method->outputs, output) : nullptr;
  return value ? value->labels : std::vector<std::string>{};
}

std::string ExampleCall(const std::string& model, const MethodSignature& method) {
  std::string text = absl::StrCat("torchere predict ", model);
  if (method.name != "forward") absl::StrAppend(&text, " --method=", method.name);
  for (const ValueSignature& input : method.inputs) {
    if (input.has_default) continue;
    absl::StrAppend(&text, " --input ", input.name, "=", ExampleOf(input.name, input.type));
  }
  return text;
}

}  // namespace torchere::cli
