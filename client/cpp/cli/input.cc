// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/input.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/file.h"
#include "client/cpp/cli/json.h"
#include "client/cpp/cli/npy.h"
#include "client/cpp/cli/signature.h"
#include "client/cpp/cli/type.h"
#include "client/cpp/cli/value_json.h"

namespace torchere::cli {
namespace {

using Kind = Type::Kind;

// A str, or an Optional of one.
bool IsText(const Type& type) {
  if (type.kind() == Kind::kOptional) return IsText(type.elements()[0]);
  return type.kind() == Kind::kText;
}

// Quotes around each text are a nuisance in a shell, so that they may be left out.
Value TextValue(const std::string& text, const Type& type) {
  if (type.kind() == Kind::kOptional && text == "null") return {};
  const absl::StatusOr<Json> json = ParseJson(text);
  return json.ok() && json->is_string() ? Value(json->get<std::string>()) : Value(text);
}

// A file's name is passed on as a JSON string: the reader loads it where a tensor
// is wanted.
absl::StatusOr<Json> ReadJson(const std::string& text) {
  if (!text.starts_with('@')) return ParseJson(text);
  if (text.ends_with(".npy")) return Json(text);
  if (!text.ends_with(".json")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' names neither a .npy nor a .json file"));
  }
  const absl::StatusOr<std::string> bytes = ReadFile(text.substr(1));
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Json> json = ParseJson(*bytes);
  if (json.ok()) return json;
  return absl::InvalidArgumentError(
      absl::StrCat("file '", text.substr(1), "': ", json.status().message()));
}

// Of a type whose text is not understood nothing is known.
Type TypeOf(const ValueSignature* signature) {
  if (signature == nullptr) return {};
  absl::StatusOr<Type> type = Type::Parse(signature->type);
  return type.ok() ? *std::move(type) : Type();
}

std::string Hint(const std::string& text, const Type& type) {
  if (text.ends_with(".npy") && !text.starts_with('@')) {
    return absl::StrCat("; for a file write @", text);
  }
  return type.kind() == Kind::kOther ? "; a text needs quotes: '\"text\"'" : "";
}

}  // namespace

absl::StatusOr<NamedValue> ReadInput(const Assignment& input, const MethodSignature* method) {
  const ValueSignature* signature = method ? FindValue(method->inputs, input.name) : nullptr;
  const Type type = TypeOf(signature);
  if (IsText(type)) return NamedValue{.name = input.name, .value = TextValue(input.text, type)};
  const std::string path = absl::StrCat("input '", input.name, "'");
  const absl::StatusOr<Json> json = ReadJson(input.text);
  if (!json.ok()) {
    const std::string wanted = signature ? absl::StrCat(" (", type.text(), ")") : "";
    return absl::Status(
        json.status().code(),
        absl::StrCat(path, wanted, ": ", json.status().message(), Hint(input.text, type)));
  }
  const auto declared = signature ? signature->dtype : std::nullopt;
  absl::StatusOr<Value> value = ValueReader(LoadNpy, declared).Read(*json, type, path);
  if (!value.ok()) return value.status();
  return NamedValue{.name = input.name, .value = *std::move(value)};
}

}  // namespace torchere::cli
