// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/value_bridge.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/backend/torch/exceptions.h"
#include "server/base/status_macros.h"
#include "server/request/utf8.h"

namespace torchere {
namespace {

// The names of a NamedTuple's fields, in order; empty of a plain Tuple.
std::vector<std::string> FieldNames(const c10::TupleType& type) {
  std::vector<std::string> names;
  if (type.schema() == nullptr) return names;
  for (const c10::Argument& field : type.schema()->arguments()) names.push_back(field.name());
  return names;
}

c10::IValue ToList(const List& list, const c10::TypePtr& element, TorchStaging* staging) {
  c10::impl::GenericList result(element);
  result.reserve(list.size());
  for (const Value& value : list) result.push_back(ToTorch(value, element, staging));
  return result;
}

c10::IValue ToDict(const Map& map, const c10::DictType& type, TorchStaging* staging) {
  c10::impl::GenericDict result(type.getKeyType(), type.getValueType());
  result.reserve(map.size());
  for (const auto& [key, value] : map) {
    const auto* number = std::get_if<int64_t>(&key);
    result.insert(number ? c10::IValue(*number) : c10::IValue(std::get<std::string>(key)),
                  ToTorch(value, type.getValueType(), staging));
  }
  return result;
}

const Value& Field(const Map& map, const std::string& name) {
  return std::find_if(map.begin(), map.end(),
                      [&name](const MapEntry& entry) { return entry.key == MapKey(name); })
      ->value;
}

c10::IValue ToTuple(const Value& value, c10::TupleTypePtr type, TorchStaging* staging) {
  const auto types = type->elements();
  const auto* list = std::get_if<List>(&value.kind);
  const std::vector<std::string> names = FieldNames(*type);
  std::vector<c10::IValue> elements;
  elements.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    const Value& element = list ? (*list)[i] : Field(std::get<Map>(value.kind), names[i]);
    elements.push_back(ToTorch(element, types[i], staging));
  }
  if (names.empty()) return c10::ivalue::Tuple::create(std::move(elements));
  return c10::ivalue::Tuple::createNamed(std::move(elements), std::move(type));
}

c10::IValue ToScalar(const Value& value, c10::TypeKind kind) {
  if (const auto* text = std::get_if<std::string>(&value.kind)) return *text;
  if (const auto* flag = std::get_if<bool>(&value.kind)) return *flag;
  if (const auto* real = std::get_if<double>(&value.kind)) return *real;
  if (const auto* number = std::get_if<int64_t>(&value.kind)) {
    if (kind == c10::TypeKind::FloatType) return static_cast<double>(*number);
    return *number;
  }
  return {};
}

// Where in an output a value lies; its text is made only for an error.
struct Place {
  const Place* outer = nullptr;
  int depth = 1;
  // The whole path, of the outermost; else a field's name, or a key, or an index.
  const std::string* name = nullptr;
  const std::string* key = nullptr;
  int64_t index = 0;

  Place Field(const std::string& field) const {
    return {.outer = this, .depth = depth + 1, .name = &field};
  }
  Place At(const MapKey& map_key) const {
    if (const auto* text = std::get_if<std::string>(&map_key)) {
      return {.outer = this, .depth = depth + 1, .key = text};
    }
    return At(std::get<int64_t>(map_key));
  }
  Place At(int64_t i) const { return {.outer = this, .depth = depth + 1, .index = i}; }

  std::string Text() const {
    if (outer == nullptr) return *name;
    if (name) return absl::StrCat(outer->Text(), ".", *name);
    if (key) return absl::StrCat(outer->Text(), "['", *key, "']");
    return absl::StrCat(outer->Text(), "[", index, "]");
  }
};

absl::Status Unsupported(const Place& place, absl::string_view what) {
  return UnsupportedOutput(place.Text(), what);
}

// Turns one output into a Value.
class OutputReader {
 public:
  explicit OutputReader(const OutputPath& path) : path_(path) {}

  absl::StatusOr<Value> Read(const c10::IValue& value, const c10::Type& declared,
                             const Place& place) {
    if (declared.kind() == c10::TypeKind::OptionalType && !value.isNone()) {
      return Read(value, *declared.expectRef<c10::OptionalType>().getElementType(), place);
    }
    if (place.depth > kMaxDepth) {
      return Unsupported(place, absl::StrCat("nested more than ", kMaxDepth, " deep"));
    }
    if (--values_left_ < 0) {
      return Unsupported(place, absl::StrCat("behind more than ", kMaxValues, " values"));
    }
    if (value.isTensor()) return ReadTensor(value, place);
    if (value.isList()) return ReadList(value, declared, place);
    if (value.isTuple()) return ReadTuple(value, declared, place);
    if (value.isGenericDict()) return ReadDict(value, declared, place);
    return ReadScalar(value, place);
  }

 private:
  // As deep as a request's values may be; more values than fit into a message.
  static constexpr int kMaxDepth = 16;
  static constexpr int64_t kMaxValues = int64_t{1} << 22;

  absl::StatusOr<Value> ReadTensor(const c10::IValue& value, const Place& place) const {
    TORCHERE_ASSIGN_OR_RETURN(Tensor tensor, FromTorch(value.toTensor(), path_, place.Text()));
    return Value{std::move(tensor)};
  }

  absl::StatusOr<Value> ReadList(const c10::IValue& value, const c10::Type& declared,
                                 const Place& place) {
    const c10::TypePtr element = declared.kind() == c10::TypeKind::ListType
                                     ? declared.expectRef<c10::ListType>().getElementType()
                                     : c10::AnyType::get();
    const auto items = value.toListRef();
    List list;
    list.reserve(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      TORCHERE_ASSIGN_OR_RETURN(Value item,
                                Read(items[i], *element, place.At(static_cast<int64_t>(i))));
      list.push_back(std::move(item));
    }
    return Value{std::move(list)};
  }

  absl::StatusOr<Value> ReadTuple(const c10::IValue& value, const c10::Type& declared,
                                  const Place& place) {
    const auto& elements = value.toTupleRef().elements();
    // Where the declared type says too little (Any, Union) the value itself knows.
    const auto* known = declared.castRaw<c10::TupleType>();
    const c10::TupleTypePtr own =
        known && known->elements().size() == elements.size() ? nullptr : value.toTuple()->type();
    const c10::TupleType& type = own ? *own : *known;
    const std::vector<std::string> names = FieldNames(type);
    List list;
    Map map;
    for (size_t i = 0; i < elements.size(); ++i) {
      const Place inner = names.empty() ? place.At(static_cast<int64_t>(i)) : place.Field(names[i]);
      TORCHERE_ASSIGN_OR_RETURN(Value element, Read(elements[i], *type.elements()[i], inner));
      if (names.empty()) {
        list.push_back(std::move(element));
      } else {
        map.push_back({names[i], std::move(element)});
      }
    }
    return names.empty() ? Value{std::move(list)} : Value{std::move(map)};
  }

  absl::StatusOr<Value> ReadDict(const c10::IValue& value, const c10::Type& declared,
                                 const Place& place) {
    const c10::TypePtr element = declared.kind() == c10::TypeKind::DictType
                                     ? declared.expectRef<c10::DictType>().getValueType()
                                     : c10::AnyType::get();
    const auto dict = value.toGenericDict();
    Map map;
    map.reserve(dict.size());
    for (const auto& entry : dict) {
      TORCHERE_ASSIGN_OR_RETURN(MapKey key, ReadKey(entry.key(), place));
      TORCHERE_ASSIGN_OR_RETURN(Value item, Read(entry.value(), *element, place.At(key)));
      map.push_back({std::move(key), std::move(item)});
    }
    return Value{std::move(map)};
  }

  static absl::StatusOr<MapKey> ReadKey(const c10::IValue& key, const Place& place) {
    if (key.isInt()) return MapKey(key.toInt());
    if (!key.isString()) {
      return Unsupported(place, absl::StrCat("a dict with keys of type ", key.tagKind()));
    }
    if (!IsUtf8(key.toStringRef())) {
      return Unsupported(place, "a dict with a key that is not UTF-8");
    }
    return MapKey(key.toStringRef());
  }

  static absl::StatusOr<Value> ReadScalar(const c10::IValue& value, const Place& place) {
    if (value.isNone()) return Value{Null{}};
    if (value.isBool()) return Value{value.toBool()};
    if (value.isInt()) return Value{value.toInt()};
    if (value.isDouble()) return Value{value.toDouble()};
    if (!value.isString()) {
      const std::string type = value.type()->annotation_str();
      return Unsupported(place, absl::StrCat("of type ", type.substr(type.rfind('.') + 1)));
    }
    if (!IsUtf8(value.toStringRef())) return Unsupported(place, "text that is not UTF-8");
    return Value{value.toStringRef()};
  }

  const OutputPath path_;
  int64_t values_left_ = kMaxValues;
};

}  // namespace

c10::IValue ToTorch(const Value& value, const c10::TypePtr& type, TorchStaging* staging) {
  if (const auto* tensor = std::get_if<Tensor>(&value.kind)) return ToTorch(*tensor, staging);
  switch (type->kind()) {
    case c10::TypeKind::OptionalType:
      if (std::holds_alternative<Null>(value.kind)) return {};
      return ToTorch(value, type->expectRef<c10::OptionalType>().getElementType(), staging);
    case c10::TypeKind::ListType:
      return ToList(std::get<List>(value.kind), type->expectRef<c10::ListType>().getElementType(),
                    staging);
    case c10::TypeKind::DictType:
      return ToDict(std::get<Map>(value.kind), type->expectRef<c10::DictType>(), staging);
    case c10::TypeKind::TupleType:
      return ToTuple(value, type->expect<c10::TupleType>(), staging);
    default:
      return ToScalar(value, type->kind());
  }
}

absl::StatusOr<Value> FromTorch(const c10::IValue& value, const c10::Type& type,
                                const OutputPath& path, const std::string& name) {
  return OutputReader(path).Read(value, type, {.name = &name});
}

}  // namespace torchere
