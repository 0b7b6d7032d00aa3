// SPDX-License-Identifier: Apache-2.0
#include "server/request/rows.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/types/span.h"

namespace torchere {
namespace {

using Kind = ValueType::Kind;

// A slice as short as this is copied when it is encoded, at the latest.
constexpr size_t kShortSlice = 4096;
// Bytes and values besides tensors that are compared between requests.
constexpr size_t kMostWeight = 4096;

const Tensor* AsTensor(const std::optional<Value>& argument) {
  return argument ? std::get_if<Tensor>(&argument->kind) : nullptr;
}

Tensor* AsTensor(std::optional<Value>& argument) {
  return argument ? std::get_if<Tensor>(&argument->kind) : nullptr;
}

// How much there is to compare in what is not a tensor; a tensor inside it is
// too much.
size_t Weight(const Value& value) {
  if (std::holds_alternative<Tensor>(value.kind)) return kMostWeight + 1;
  size_t weight = 1;
  if (const auto* text = std::get_if<std::string>(&value.kind)) {
    weight += text->size();
  } else if (const auto* list = std::get_if<List>(&value.kind)) {
    for (const Value& item : *list) weight += Weight(item);
  } else if (const auto* map = std::get_if<Map>(&value.kind)) {
    for (const auto& [key, item] : *map) {
      const auto* name = std::get_if<std::string>(&key);
      weight += Weight(item) + (name ? name->size() : 1);
    }
  }
  return weight;
}

// Of values that hold no tensor.
bool Equal(const Value& a, const Value& b) {
  if (a.kind.index() != b.kind.index()) return false;
  if (const auto* list = std::get_if<List>(&a.kind)) {
    const List& other = std::get<List>(b.kind);
    return std::equal(list->begin(), list->end(), other.begin(), other.end(), Equal);
  }
  if (const auto* map = std::get_if<Map>(&a.kind)) {
    const Map& other = std::get<Map>(b.kind);
    return std::equal(map->begin(), map->end(), other.begin(), other.end(),
                      [](const MapEntry& x, const MapEntry& y) {
                        return x.key == y.key && Equal(x.value, y.value);
                      });
  }
  if (const auto* text = std::get_if<std::string>(&a.kind)) {
    return *text == std::get<std::string>(b.kind);
  }
  if (const auto* number = std::get_if<int64_t>(&a.kind)) {
    return *number == std::get<int64_t>(b.kind);
  }
  if (const auto* real = std::get_if<double>(&a.kind)) return *real == std::get<double>(b.kind);
  if (const auto* truth = std::get_if<bool>(&a.kind)) return *truth == std::get<bool>(b.kind);
  return true;
}

// Of a value that holds no tensor: equal ones have the same.
size_t Hash(const Value& value) {
  size_t hash = value.kind.index();
  if (const auto* list = std::get_if<List>(&value.kind)) {
    for (const Value& item : *list) hash = absl::HashOf(hash, Hash(item));
  } else if (const auto* map = std::get_if<Map>(&value.kind)) {
    for (const auto& [key, item] : *map) hash = absl::HashOf(hash, key, Hash(item));
  } else if (const auto* text = std::get_if<std::string>(&value.kind)) {
    hash = absl::HashOf(hash, *text);
  } else if (const auto* number = std::get_if<int64_t>(&value.kind)) {
    hash = absl::HashOf(hash, *number);
  } else if (const auto* real = std::get_if<double>(&value.kind)) {
    hash = absl::HashOf(hash, *real);
  } else if (const auto* truth = std::get_if<bool>(&value.kind)) {
    hash = absl::HashOf(hash, *truth);
  }
  return hash;
}

bool SameRows(const Tensor& a, const Tensor& b) {
  return a.dtype == b.dtype && a.shape.size() == b.shape.size() && !a.shape.empty() &&
         std::equal(a.shape.begin() + 1, a.shape.end(), b.shape.begin() + 1);
}

Tensor SliceTensor(const Tensor& tensor, int64_t first, int64_t count) {
  const size_t row = tensor.data.size() / static_cast<size_t>(tensor.shape[0]);
  BytesReader reader(tensor.data);
  reader.Skip(row * static_cast<size_t>(first));
  Tensor slice{tensor.dtype, tensor.shape, reader.Take(row * static_cast<size_t>(count))};
  slice.shape[0] = count;
  return slice;
}

// Appends b's rows to a's.
void Append(Tensor& a, const Tensor& b) {
  a.shape[0] += b.shape[0];
  a.data.Append(b.data);
}

const ValueType& WithoutOptional(const ValueType& type) {
  return type.kind == Kind::kOptional ? type.elements[0] : type;
}

// The type of element `i` of a tuple, or of any entry of a dict.
const ValueType& ElementType(const ValueType& type, size_t i) {
  return type.elements[type.kind == Kind::kDict ? 1 : i];
}

bool IsTuple(const ValueType& type) {
  return type.kind == Kind::kTuple || type.kind == Kind::kNamedTuple;
}

using Parts = std::vector<const Value*>;

std::optional<Value> JoinTensors(const Parts& parts) {
  Tensor joined = std::get<Tensor>(parts[0]->kind);
  for (size_t k = 1; k < parts.size(); ++k) {
    const Tensor& part = std::get<Tensor>(parts[k]->kind);
    if (!SameRows(joined, part)) return std::nullopt;
    Append(joined, part);
  }
  return Value{std::move(joined)};
}

std::optional<Value> JoinLists(const Parts& parts) {
  List joined;
  for (const Value* part : parts) {
    const List& list = std::get<List>(part->kind);
    joined.insert(joined.end(), list.begin(), list.end());
  }
  return Value{std::move(joined)};
}

std::optional<Value> JoinTuples(const Parts& parts, const ValueType& type) {
  List joined;
  for (size_t i = 0; i < std::get<List>(parts[0]->kind).size(); ++i) {
    Parts elements;
    for (const Value* part : parts) {
      const List& tuple = std::get<List>(part->kind);
      if (i >= tuple.size()) return std::nullopt;
      elements.push_back(&tuple[i]);
    }
    auto element = JoinRows(elements, ElementType(type, i));
    if (!element) return std::nullopt;
    joined.push_back(*std::move(element));
  }
  return Value{std::move(joined)};
}

std::optional<Value> JoinMaps(const Parts& parts, const ValueType& type) {
  Map joined;
  for (const MapEntry& wanted : std::get<Map>(parts[0]->kind)) {
    Parts elements;
    for (const Value* part : parts) {
      const Map& map = std::get<Map>(part->kind);
      const auto entry = std::find_if(map.begin(), map.end(),
                                      [&wanted](const MapEntry& e) { return e.key == wanted.key; });
      if (entry == map.end()) return std::nullopt;
      elements.push_back(&entry->value);
    }
    auto element = JoinRows(elements, ElementType(type, joined.size()));
    if (!element) return std::nullopt;
    joined.push_back({wanted.key, *std::move(element)});
  }
  return Value{std::move(joined)};
}

}  // namespace

std::optional<int64_t> RowsOf(const Arguments& arguments) {
  int64_t rows = 0;
  size_t weight = 0;
  for (const std::optional<Value>& argument : arguments) {
    const Tensor* tensor = AsTensor(argument);
    if (tensor == nullptr) {
      if (argument) weight += Weight(*argument);
      if (weight > kMostWeight) return std::nullopt;
      continue;
    }
    if (tensor->shape.empty() || tensor->shape[0] < 1) return std::nullopt;
    if (rows != 0 && rows != tensor->shape[0]) return std::nullopt;
    rows = tensor->shape[0];
  }
  if (rows == 0) return std::nullopt;
  return rows;
}

bool GiveOptional(const MethodSignature& method, const Arguments& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const ValueSpec& spec = method.inputs[i];
    if (spec.is_made) continue;
    const bool optional = spec.has_default || spec.type.kind == ValueType::Kind::kOptional;
    if (optional && arguments[i] && !std::holds_alternative<Null>(arguments[i]->kind)) return true;
  }
  return false;
}

bool CanStack(const Arguments& a, const Arguments& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const std::optional<Value>& x, const std::optional<Value>& y) {
                      if (!x || !y) return !x && !y;
                      const Tensor* x_tensor = AsTensor(x);
                      const Tensor* y_tensor = AsTensor(y);
                      if (x_tensor != nullptr && y_tensor != nullptr) {
                        return SameRows(*x_tensor, *y_tensor);
                      }
                      return x_tensor == y_tensor && Equal(*x, *y);
                    });
}

size_t StackHash(const Arguments& arguments) {
  size_t hash = 0;
  for (const std::optional<Value>& argument : arguments) {
    if (const Tensor* tensor = AsTensor(argument)) {
      const auto row = absl::MakeConstSpan(tensor->shape).subspan(1);
      hash = absl::HashOf(hash, tensor->dtype, row);
    } else {
      hash = absl::HashOf(hash, argument ? Hash(*argument) : 0);
    }
  }
  return hash;
}

Arguments Stack(const std::vector<const Arguments*>& all, int64_t rows) {
  Arguments stacked = *all.front();
  for (size_t i = 0; i < stacked.size(); ++i) {
    Tensor* const tensor = AsTensor(stacked[i]);
    if (tensor == nullptr) continue;
    for (size_t k = 1; k < all.size(); ++k) Append(*tensor, *AsTensor((*all[k])[i]));
    if (tensor->shape[0] >= rows) continue;
    const Tensor last = SliceTensor(*tensor, tensor->shape[0] - 1, 1);
    while (tensor->shape[0] < rows) Append(*tensor, last);
  }
  return stacked;
}

Arguments SliceRows(const Arguments& arguments, int64_t first, int64_t count) {
  Arguments slice = arguments;
  for (std::optional<Value>& argument : slice) {
    if (const Tensor* tensor = AsTensor(argument)) {
      argument = Value{SliceTensor(*tensor, first, count)};
    }
  }
  return slice;
}

std::optional<Value> SliceRows(const Value& output, const ValueType& declared, int64_t rows,
                               int64_t first, int64_t count) {
  const ValueType& type = WithoutOptional(declared);
  if (const auto* tensor = std::get_if<Tensor>(&output.kind)) {
    if (tensor->shape.empty() || tensor->shape[0] != rows) return std::nullopt;
    Tensor slice = SliceTensor(*tensor, first, count);
    const size_t size = slice.data.size();
    if (size > kShortSlice && size * 4 < tensor->data.size()) {
      slice.data = Bytes(slice.data.ToString());
    }
    return Value{std::move(slice)};
  }
  if (const auto* list = std::get_if<List>(&output.kind); list != nullptr && !IsTuple(type)) {
    if (list->size() != static_cast<size_t>(rows)) return std::nullopt;
    return Value{List(list->begin() + first, list->begin() + first + count)};
  }
  if (const auto* tuple = std::get_if<List>(&output.kind)) {
    List slice;
    for (const Value& element : *tuple) {
      auto part = SliceRows(element, ElementType(type, slice.size()), rows, first, count);
      if (!part) return std::nullopt;
      slice.push_back(*std::move(part));
    }
    return Value{std::move(slice)};
  }
  if (const auto* map = std::get_if<Map>(&output.kind)) {
    Map slice;
    for (const auto& [key, value] : *map) {
      auto part = SliceRows(value, ElementType(type, slice.size()), rows, first, count);
      if (!part) return std::nullopt;
      slice.push_back({key, *std::move(part)});
    }
    return Value{std::move(slice)};
  }
  return std::nullopt;
}

bool GoesByRows(const Value& output, const ValueType& declared, int64_t rows) {
  const ValueType& type = WithoutOptional(declared);
  if (const auto* tensor = std::get_if<Tensor>(&output.kind)) {
    return !tensor->shape.empty() && tensor->shape[0] == rows;
  }
  size_t i = 0;
  if (const auto* list = std::get_if<List>(&output.kind)) {
    if (!IsTuple(type)) return list->size() == static_cast<size_t>(rows);
    return std::all_of(list->begin(), list->end(), [&](const Value& element) {
      return GoesByRows(element, ElementType(type, i++), rows);
    });
  }
  const auto* map = std::get_if<Map>(&output.kind);
  return map != nullptr && std::all_of(map->begin(), map->end(), [&](const MapEntry& entry) {
           return GoesByRows(entry.value, ElementType(type, i++), rows);
         });
}

std::optional<Value> JoinRows(const std::vector<const Value*>& parts, const ValueType& declared) {
  const ValueType& type = WithoutOptional(declared);
  const Value& first = *parts.front();
  for (const Value* part : parts) {
    if (part->kind.index() != first.kind.index()) return std::nullopt;
  }
  if (std::holds_alternative<Tensor>(first.kind)) return JoinTensors(parts);
  if (std::holds_alternative<Map>(first.kind)) return JoinMaps(parts, type);
  if (!std::holds_alternative<List>(first.kind)) return std::nullopt;
  return IsTuple(type) ? JoinTuples(parts, type) : JoinLists(parts);
}

}  // namespace torchere
