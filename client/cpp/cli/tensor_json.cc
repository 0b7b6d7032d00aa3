// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/tensor_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/item_type.h"

namespace torchere::cli {
namespace {

// The wire's limit.
constexpr size_t kMaxRank = 16;

template <typename T>
Json ItemToJson(T item) {
  if constexpr (std::is_integral_v<T>) {
    return item;
  } else if constexpr (HalfItem<T>) {
    return ItemToJson(item.ToFloat());
  } else if constexpr (std::is_same_v<T, float>) {
    return NumberToJson(ShortestAsDouble(item));
  } else {
    return NumberToJson(item);
  }
}

template <typename T>
Json DataToJson(std::span<const int64_t> shape, std::span<const T> items) {
  if (shape.empty()) return ItemToJson(items.front());
  Json rows = Json::array();
  const size_t row_items = shape.front() == 0 ? 0 : items.size() / shape.front();
  for (int64_t i = 0; i < shape.front(); ++i) {
    rows.push_back(DataToJson(shape.subspan(1), items.subspan(i * row_items, row_items)));
  }
  return rows;
}

// The leaves of nested arrays, with the shape that the first of each level has.
class Leaves {
 public:
  static absl::StatusOr<Leaves> Of(const Json& data) {
    Leaves leaves;
    for (const Json* level = &data; level->is_array(); level = &level->front()) {
      if (leaves.shape_.size() == kMaxRank) {
        return absl::InvalidArgumentError(
            absl::StrCat("the array is nested more than ", kMaxRank, " deep"));
      }
      leaves.shape_.push_back(static_cast<int64_t>(level->size()));
      if (level->empty()) break;
    }
    const absl::Status status = leaves.Collect(data, 0, "");
    if (!status.ok()) return status;
    return leaves;
  }

  const std::vector<int64_t>& shape() const { return shape_; }
  const std::vector<const Json*>& items() const { return items_; }

 private:
  absl::Status Collect(const Json& data, size_t depth, const std::string& path) {
    if (depth == shape_.size()) {
      if (data.is_array()) return Ragged(path, "an item", data);
      items_.push_back(&data);
      return absl::OkStatus();
    }
    if (!data.is_array() || static_cast<int64_t>(data.size()) != shape_[depth]) {
      return Ragged(path, absl::StrCat("an array of ", shape_[depth]), data);
    }
    for (size_t i = 0; i < data.size(); ++i) {
      absl::Status status = Collect(data[i], depth + 1, absl::StrCat(path, "[", i, "]"));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  static absl::Status Ragged(const std::string& path, const std::string& expected,
                             const Json& got) {
    const std::string kind =
        got.is_array() ? absl::StrCat("an array of ", got.size()) : JsonKind(got);
    return absl::InvalidArgumentError(absl::StrCat("the rows of a tensor have equal lengths: item ",
                                                   path, " is ", kind, ", its neighbours are ",
                                                   expected));
  }

  std::vector<int64_t> shape_;
  std::vector<const Json*> items_;
};

DataType GuessDataType(const std::vector<const Json*>& items) {
  const auto all = [&items](auto is) {
    return !items.empty() &&
           std::all_of(items.begin(), items.end(), [is](const Json* item) { return is(*item); });
  };
  if (all([](const Json& item) { return item.is_boolean(); })) return DataType::kBool;
  if (all([](const Json& item) { return item.is_number_integer(); })) return DataType::kInt64;
  return DataType::kFp32;
}

template <typename T>
std::optional<T> IntegerFromJson(const Json& json) {
  if (!json.is_number_integer()) return std::nullopt;
  if (json.is_number_unsigned()) {
    const auto number = json.get<uint64_t>();
    if (!std::in_range<T>(number)) return std::nullopt;
    return static_cast<T>(number);
  }
  const auto number = json.get<int64_t>();
  if (!std::in_range<T>(number)) return std::nullopt;
  return static_cast<T>(number);
}

template <typename T>
std::optional<T> FloatFromJson(const Json& json) {
  const std::optional<double> number = NumberFromJson(json);
  if (!number) return std::nullopt;
  if constexpr (std::is_same_v<T, double>) {
    return *number;
  } else {
    // What is at least half a step above the largest binary32 would be infinite.
    if (std::isfinite(*number) && std::fabs(*number) >= 0x1.ffffffp+127) return std::nullopt;
    const auto single = static_cast<float>(*number);
    if constexpr (std::is_same_v<T, float>) {
      return single;
    } else {
      const T half = T::From(single);
      if (std::isfinite(single) && !std::isfinite(half.ToFloat())) return std::nullopt;
      return half;
    }
  }
}

template <typename T>
std::optional<T> ItemFromJson(const Json& json) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) return std::nullopt;
    return json.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    return IntegerFromJson<T>(json);
  } else {
    return FloatFromJson<T>(json);
  }
}

absl::StatusOr<Tensor> FromLeaves(const Leaves& leaves, DataType dtype) {
  std::vector<std::byte> bytes(leaves.items().size() * ItemBytes(dtype));
  const absl::Status status = WithItemType(dtype, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    std::byte* to = bytes.data();
    for (const Json* json : leaves.items()) {
      const std::optional<T> item = ItemFromJson<T>(*json);
      if (!item) {
        return absl::InvalidArgumentError(
            absl::StrCat(JsonKind(*json), " is no item of a ", DataTypeName(dtype), " tensor"));
      }
      std::memcpy(to, &*item, sizeof(T));
      to += sizeof(T);
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return Tensor::Create(dtype, leaves.shape(), std::move(bytes));
}

absl::StatusOr<Tensor> FromData(const Json& data, std::optional<DataType> dtype) {
  const absl::StatusOr<Leaves> leaves = Leaves::Of(data);
  if (!leaves.ok()) return leaves.status();
  return FromLeaves(*leaves, dtype.value_or(GuessDataType(leaves->items())));
}

absl::StatusOr<DataType> NamedDataType(const Json& name) {
  const auto dtype = name.is_string() ? DataTypeFromName(name.get<std::string>()) : std::nullopt;
  if (dtype) return *dtype;
  return absl::InvalidArgumentError(absl::StrCat("the member \"dtype\" is ", JsonKind(name),
                                                 "; it is a name such as \"FP32\" or \"INT64\""));
}

// An empty tensor's data does not show all of its shape: [0, 3] is [] too.
absl::StatusOr<Tensor> WithShape(const Tensor& tensor, const Json& shape) {
  std::vector<int64_t> lengths;
  for (const Json& length : shape) {
    const std::optional<int64_t> number = IntegerFromJson<int64_t>(length);
    if (!number) {
      return absl::InvalidArgumentError(
          absl::StrCat("the member \"shape\" holds ", JsonKind(length)));
    }
    lengths.push_back(*number);
  }
  if (lengths == tensor.shape()) return tensor;
  const absl::StatusOr<int64_t> count = ItemCount(lengths);
  if (!count.ok()) return count.status();
  if (*count == 0 && tensor.size() == 0) return Tensor::Create(tensor.dtype(), lengths, {});
  return absl::InvalidArgumentError(absl::StrCat("the member \"shape\" is ", ShapeText(lengths),
                                                 ", but \"data\" has the shape ",
                                                 ShapeText(tensor.shape())));
}

absl::StatusOr<Tensor> FromObject(const Json& json, std::optional<DataType> dtype) {
  for (const auto& member : json.items()) {
    if (member.key() != "dtype" && member.key() != "shape" && member.key() != "data") {
      return absl::InvalidArgumentError(
          absl::StrCat("a tensor has no member \"", member.key(),
                       "\"; its members are \"dtype\", \"shape\" and \"data\""));
    }
  }
  if (!json.contains("data")) {
    return absl::InvalidArgumentError("a tensor as an object needs the member \"data\"");
  }
  if (json.contains("dtype")) {
    const absl::StatusOr<DataType> named = NamedDataType(json["dtype"]);
    if (!named.ok()) return named.status();
    dtype = *named;
  }
  absl::StatusOr<Tensor> tensor = FromData(json["data"], dtype);
  if (!tensor.ok() || !json.contains("shape")) return tensor;
  if (!json["shape"].is_array()) {
    return absl::InvalidArgumentError("the member \"shape\" is no array of lengths");
  }
  return WithShape(*tensor, json["shape"]);
}

}  // namespace

Json TensorToJson(const Tensor& tensor) {
  Json data = WithItemType(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return DataToJson<T>(tensor.shape(), *tensor.As<T>());
  });
  Json json;
  json["dtype"] = DataTypeName(tensor.dtype());
  json["shape"] = tensor.shape();
  json["data"] = std::move(data);
  return json;
}

absl::StatusOr<Tensor> TensorFromJson(const Json& json, std::optional<DataType> declared) {
  return json.is_object() ? FromObject(json, declared) : FromData(json, declared);
}

double ShortestAsDouble(float item) {
  if (!std::isfinite(item)) return item;
  char text[32];
  const char* end = std::to_chars(text, text + sizeof(text), item).ptr;
  double number = 0;
  std::from_chars(text, end, number);
  return number;
}

Json NumberToJson(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return number;
}

std::optional<double> NumberFromJson(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (json == "Infinity") return std::numeric_limits<double>::infinity();
  if (json == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

}  // namespace torchere::cli
