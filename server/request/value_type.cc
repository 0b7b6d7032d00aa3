// SPDX-License-Identifier: Apache-2.0
#include "server/request/value_type.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/request/error.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

absl::Status Mismatch(const Value& value, const ValueType& type, const std::string& path) {
  return Refuse(absl::StatusCode::kInvalidArgument,
                absl::StrCat(path, ": expected ", type.text, ", got ", KindName(value)),
                {.reason = "TYPE_MISMATCH",
                 .metadata = {{"expected", type.text}, {"got", std::string(KindName(value))}}});
}

absl::Status CheckTensor(const Tensor& tensor, const std::string& path) {
  if (tensor.dtype != DType::kBool) return absl::OkStatus();
  for (const Bytes::Piece& piece : tensor.data.pieces()) {
    const bool clean = std::all_of(piece.data, piece.data + piece.size,
                                   [](char byte) { return byte == 0 || byte == 1; });
    if (clean) continue;
    return Refuse(absl::StatusCode::kInvalidArgument,
                  absl::StrCat(path, ": an item of a BOOL tensor is one byte, 0 or 1"),
                  {.reason = "INVALID_VALUE"});
  }
  return absl::OkStatus();
}

absl::Status CheckLength(size_t expected, size_t got, const ValueType& type,
                         const std::string& path) {
  if (expected == got) return absl::OkStatus();
  return Refuse(absl::StatusCode::kInvalidArgument,
                absl::StrCat(path, ": ", type.text, " has ", expected, " elements, got ", got),
                {.reason = "TYPE_MISMATCH",
                 .metadata = {{"expected", absl::StrCat(expected)}, {"got", absl::StrCat(got)}}});
}

absl::Status CheckList(const List& list, const ValueType& type, const std::string& path) {
  const bool tuple = type.kind != Kind::kList;
  if (tuple) {
    TORCHERE_RETURN_IF_ERROR(CheckLength(type.elements.size(), list.size(), type, path));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    TORCHERE_RETURN_IF_ERROR(
        CheckType(list[i], type.elements[tuple ? i : 0], absl::StrCat(path, "[", i, "]")));
  }
  return absl::OkStatus();
}

std::string KeyText(const MapKey& key) {
  if (const auto* number = std::get_if<int64_t>(&key)) return absl::StrCat(*number);
  return absl::StrCat("'", std::get<std::string>(key), "'");
}

absl::Status CheckDict(const Map& map, const ValueType& type, const std::string& path) {
  const bool wants_text = type.elements[0].kind == Kind::kText;
  for (const auto& [key, value] : map) {
    if (std::holds_alternative<std::string>(key) != wants_text) {
      return Refuse(absl::StatusCode::kInvalidArgument,
                    absl::StrCat(path, ": expected keys of type ", type.elements[0].text,
                                 ", got the key ", KeyText(key)),
                    {.reason = "TYPE_MISMATCH", .metadata = {{"expected", type.text}}});
    }
    TORCHERE_RETURN_IF_ERROR(
        CheckType(value, type.elements[1], absl::StrCat(path, "[", KeyText(key), "]")));
  }
  return absl::OkStatus();
}

absl::Status CheckNamedTuple(const Map& map, const ValueType& type, const std::string& path) {
  TORCHERE_RETURN_IF_ERROR(CheckLength(type.fields.size(), map.size(), type, path));
  for (const auto& [key, value] : map) {
    const auto* name = std::get_if<std::string>(&key);
    const auto field =
        name ? std::find(type.fields.begin(), type.fields.end(), *name) : type.fields.end();
    if (field == type.fields.end()) {
      return Refuse(absl::StatusCode::kInvalidArgument,
                    absl::StrCat(path, ": has no field ", KeyText(key), "; its fields are ",
                                 absl::StrJoin(type.fields, ", ")),
                    {.reason = "TYPE_MISMATCH",
                     .metadata = {{"expected", absl::StrJoin(type.fields, ", ")}}});
    }
    TORCHERE_RETURN_IF_ERROR(CheckType(value, type.elements[field - type.fields.begin()],
                                       absl::StrCat(path, ".", *name)));
  }
  return absl::OkStatus();
}

bool FitsScalar(const Value& value, Kind kind) {
  const auto is = [&value](auto... example) {
    return (std::holds_alternative<decltype(example)>(value.kind) || ...);
  };
  switch (kind) {
    case Kind::kText:
      return is(std::string());
    case Kind::kInt:
      return is(int64_t{});
    case Kind::kFloat:
      return is(double{}, int64_t{});
    case Kind::kNumber:
      return is(double{}, int64_t{}, bool{});
    case Kind::kBool:
      return is(bool{});
    case Kind::kNull:
      return is(Null{});
    default:
      return false;
  }
}

}  // namespace

bool IsSupported(const ValueType& type) {
  if (type.kind == Kind::kUnsupported) return false;
  if (type.kind == Kind::kDict && type.elements[0].kind != Kind::kText &&
      type.elements[0].kind != Kind::kInt) {
    return false;
  }
  return std::all_of(type.elements.begin(), type.elements.end(), IsSupported);
}

absl::Status CheckType(const Value& value, const ValueType& type, const std::string& path) {
  switch (type.kind) {
    case Kind::kTensor:
      if (const auto* tensor = std::get_if<Tensor>(&value.kind)) return CheckTensor(*tensor, path);
      return Mismatch(value, type, path);
    case Kind::kOptional:
      if (std::holds_alternative<Null>(value.kind)) return absl::OkStatus();
      return CheckType(value, type.elements[0], path);
    case Kind::kList:
    case Kind::kTuple:
      if (const auto* list = std::get_if<List>(&value.kind)) return CheckList(*list, type, path);
      return Mismatch(value, type, path);
    case Kind::kNamedTuple:
      if (const auto* list = std::get_if<List>(&value.kind)) return CheckList(*list, type, path);
      if (const auto* map = std::get_if<Map>(&value.kind)) return CheckNamedTuple(*map, type, path);
      return Mismatch(value, type, path);
    case Kind::kDict:
      if (const auto* map = std::get_if<Map>(&value.kind)) return CheckDict(*map, type, path);
      return Mismatch(value, type, path);
    default:
      return FitsScalar(value, type.kind) ? absl::OkStatus() : Mismatch(value, type, path);
  }
}

}  // namespace torchere
