// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/value_json.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/tensor_json.h"

namespace torchere::cli {
namespace {

using Kind = Type::Kind;

// The wire's limit.
constexpr int kMaxDepth = 16;

std::string KeyText(const MapEntry& entry) {
  if (const auto* text = std::get_if<std::string>(&entry.key)) return *text;
  return absl::StrCat(std::get<int64_t>(entry.key));
}

struct JsonWriter {
  Json operator()(const Null&) const { return nullptr; }
  Json operator()(const Tensor& tensor) const { return TensorToJson(tensor); }
  Json operator()(const std::string& text) const { return text; }
  Json operator()(int64_t number) const { return number; }
  Json operator()(double number) const { return NumberToJson(number); }
  Json operator()(bool truth) const { return truth; }
  Json operator()(const List& list) const {
    Json array = Json::array();
    for (const Value& item : list) array.push_back(ValueToJson(item));
    return array;
  }
  Json operator()(const Map& map) const {
    Json object = Json::object();
    for (const MapEntry& entry : map) object[KeyText(entry)] = ValueToJson(entry.value);
    return object;
  }
};

absl::Status Mismatch(const Json& got, const Type& expected, const std::string& path) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected ", expected.text(), ", got ", JsonKind(got)));
}

std::optional<Value> ReadInt(const Json& json) {
  if (!json.is_number_integer()) return std::nullopt;
  // Above int64 the library keeps an unsigned number.
  if (json.is_number_unsigned() && !std::in_range<int64_t>(json.get<uint64_t>())) {
    return std::nullopt;
  }
  return Value(json.get<int64_t>());
}

std::optional<Value> ReadFloat(const Json& json) {
  const std::optional<double> number = NumberFromJson(json);
  if (!number) return std::nullopt;
  return Value(*number);
}

std::optional<Value> ReadScalar(const Json& json, Kind kind) {
  switch (kind) {
    case Kind::kText:
      if (json.is_string()) return Value(json.get<std::string>());
      return std::nullopt;
    case Kind::kInt:
      return ReadInt(json);
    case Kind::kFloat:
      return ReadFloat(json);
    case Kind::kBool:
      if (json.is_boolean()) return Value(json.get<bool>());
      return std::nullopt;
    case Kind::kNumber:
      if (json.is_boolean()) return Value(json.get<bool>());
      return json.is_number_integer() ? ReadInt(json) : ReadFloat(json);
    case Kind::kNone:
      if (json.is_null()) return Value();
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// A key of JSON is a text; that of a Dict[int, …] is written in decimal.
std::optional<std::variant<std::string, int64_t>> ReadKey(const std::string& key, Kind kind) {
  if (kind != Kind::kInt) return key;
  int64_t number = 0;
  const char* end = key.data() + key.size();
  const auto [last, error] = std::from_chars(key.data(), end, number);
  if (error != std::errc() || last != end) return std::nullopt;
  return number;
}

bool IsFileText(const Json& json) {
  return json.is_string() && json.get_ref<const std::string&>().starts_with('@');
}

}  // namespace

Json ValueToJson(const Value& value) { return std::visit(JsonWriter{}, value.kind()); }

absl::StatusOr<Value> ValueReader::Read(const Json& json, const Type& type,
                                        const std::string& path) const {
  switch (type.kind()) {
    case Kind::kTensor:
      return ReadTensor(json, path);
    case Kind::kOptional:
      if (json.is_null()) return Value();
      return Read(json, type.elements()[0], path);
    case Kind::kUnion:
      return ReadUnion(json, type, path);
    case Kind::kList:
    case Kind::kTuple:
      return ReadList(json, type, path);
    case Kind::kNamedTuple:
      return json.is_array() ? ReadList(json, type, path) : ReadNamedTuple(json, type, path);
    case Kind::kDict:
      return ReadDict(json, type, path);
    case Kind::kOther:
      return ReadUntyped(json, path, 0);
    default:
      break;
  }
  std::optional<Value> scalar = ReadScalar(json, type.kind());
  if (!scalar) return Mismatch(json, type, path);
  return *std::move(scalar);
}

absl::StatusOr<Value> ValueReader::ReadTensor(const Json& json, const std::string& path) const {
  const absl::StatusOr<Tensor> tensor = IsFileText(json)
                                            ? load_tensor_(json.get<std::string>().substr(1))
                                            : TensorFromJson(json, declared_);
  if (tensor.ok()) return Value(*tensor);
  return absl::Status(tensor.status().code(), absl::StrCat(path, ": ", tensor.status().message()));
}

absl::StatusOr<Value> ValueReader::ReadUnion(const Json& json, const Type& type,
                                             const std::string& path) const {
  for (const Type& element : type.elements()) {
    absl::StatusOr<Value> value = Read(json, element, path);
    if (value.ok()) return value;
  }
  return Mismatch(json, type, path);
}

absl::StatusOr<Value> ValueReader::ReadList(const Json& json, const Type& type,
                                            const std::string& path) const {
  if (!json.is_array()) return Mismatch(json, type, path);
  const bool tuple = type.kind() != Kind::kList;
  if (tuple && json.size() != type.elements().size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": ", type.text(), " has ", type.elements().size(), " elements, got ", json.size()));
  }
  List list;
  for (size_t i = 0; i < json.size(); ++i) {
    absl::StatusOr<Value> value =
        Read(json[i], type.elements()[tuple ? i : 0], absl::StrCat(path, "[", i, "]"));
    if (!value.ok()) return value;
    list.push_back(*std::move(value));
  }
  return Value(std::move(list));
}

absl::StatusOr<Value> ValueReader::ReadNamedTuple(const Json& json, const Type& type,
                                                  const std::string& path) const {
  if (!json.is_object()) return Mismatch(json, type, path);
  Map map;
  for (const auto& member : json.items()) {
    const auto field = std::find(type.fields().begin(), type.fields().end(), member.key());
    if (field == type.fields().end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", type.text(), " has no field \"", member.key(), "\""));
    }
    absl::StatusOr<Value> value =
        Read(member.value(), type.elements()[field - type.fields().begin()],
             absl::StrCat(path, ".", member.key()));
    if (!value.ok()) return value;
    map.push_back({.key = member.key(), .value = *std::move(value)});
  }
  if (map.size() == type.fields().size()) return Value(std::move(map));
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": ", type.text(), " has ", type.fields().size(), " fields, got ", map.size()));
}

absl::StatusOr<Value> ValueReader::ReadDict(const Json& json, const Type& type,
                                            const std::string& path) const {
  if (!json.is_object()) return Mismatch(json, type, path);
  const Type& key_type = type.elements()[0];
  if (key_type.kind() != Kind::kText && key_type.kind() != Kind::kInt) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", type.text(), " cannot be sent: keys are of type str or int"));
  }
  Map map;
  for (const auto& member : json.items()) {
    auto key = ReadKey(member.key(), key_type.kind());
    if (!key) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": expected keys of type int, got \"", member.key(), "\""));
    }
    absl::StatusOr<Value> value =
        Read(member.value(), type.elements()[1], absl::StrCat(path, "[\"", member.key(), "\"]"));
    if (!value.ok()) return value;
    map.push_back({.key = *std::move(key), .value = *std::move(value)});
  }
  return Value(std::move(map));
}

absl::StatusOr<Value> ValueReader::ReadUntyped(const Json& json, const std::string& path,
                                               int depth) const {
  if (depth > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is nested more than ", kMaxDepth, " deep"));
  }
  if (IsFileText(json)) return ReadTensor(json, path);
  if (json.is_object()) return ReadUntypedObject(json, path, depth);
  if (json.is_array()) {
    List list;
    for (size_t i = 0; i < json.size(); ++i) {
      absl::StatusOr<Value> value =
          ReadUntyped(json[i], absl::StrCat(path, "[", i, "]"), depth + 1);
      if (!value.ok()) return value;
      list.push_back(*std::move(value));
    }
    return Value(std::move(list));
  }
  for (const Kind kind : {Kind::kText, Kind::kNumber, Kind::kNone}) {
    std::optional<Value> value = ReadScalar(json, kind);
    if (value) return *std::move(value);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", JsonKind(json), " is out of a 64-bit integer's range"));
}

absl::StatusOr<Value> ValueReader::ReadUntypedObject(const Json& json, const std::string& path,
                                                     int depth) const {
  if (json.contains("dtype") && json.contains("data")) return ReadTensor(json, path);
  Map map;
  for (const auto& member : json.items()) {
    absl::StatusOr<Value> value =
        ReadUntyped(member.value(), absl::StrCat(path, "[\"", member.key(), "\"]"), depth + 1);
    if (!value.ok()) return value;
    map.push_back({.key = member.key(), .value = *std::move(value)});
  }
  return Value(std::move(map));
}

}  // namespace torchere::cli
