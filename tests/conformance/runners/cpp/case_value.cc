// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/runners/cpp/case_value.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace torchere {
namespace {

constexpr size_t kBriefBytes = 200;

std::vector<std::byte> Counted(size_t size) {
  std::vector<std::byte> data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i % 251);
  return data;
}

Tensor TensorOf(const Json& json) {
  const DataType dtype = DataTypeFromName(json.at("dtype").get<std::string>()).value();
  const auto shape = json.at("shape").get<std::vector<int64_t>>();
  std::vector<std::byte> data;
  if (json.contains("fill")) {
    data = Counted(static_cast<size_t>(ItemCount(shape).value() * ItemBytes(dtype)));
  } else {
    std::string bytes;
    if (!absl::Base64Unescape(json.at("data").get<std::string>(), &bytes)) {
      throw std::invalid_argument("a tensor's data is not Base64");
    }
    const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
    data.assign(begin, begin + bytes.size());
  }
  return Tensor::Create(dtype, shape, std::move(data)).value();
}

double FloatOf(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const auto text = json.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "-0") return -0.0;
  throw std::invalid_argument(absl::StrCat("no float: ", text));
}

int64_t IntOf(const std::string& text) { return std::stoll(text); }

Map MapOf(const Json& json, bool has_int_keys) {
  Map map;
  for (const auto& [key, value] : json.items()) {
    MapEntry& entry = map.emplace_back(MapEntry{.key = key, .value = ValueOf(value)});
    if (has_int_keys) entry.key = IntOf(key);
  }
  return map;
}

bool SameTensor(const Tensor& one, const Tensor& other) {
  return one.dtype() == other.dtype() && one.shape() == other.shape() &&
         std::ranges::equal(one.data(), other.data());
}

bool SameFloat(double one, double other) {
  return std::bit_cast<uint64_t>(one) == std::bit_cast<uint64_t>(other) ||
         (std::isnan(one) && std::isnan(other));
}

bool SameMap(const Map& one, const Map& other) {
  return one.size() == other.size() && std::ranges::all_of(one, [&](const MapEntry& entry) {
           return std::ranges::any_of(other, [&](const MapEntry& found) {
             return entry.key == found.key && Same(entry.value, found.value);
           });
         });
}

struct Comparer {
  const Value& other;

  template <typename T>
  bool operator()(const T& one) const {
    const T* const two = other.If<T>();
    return two != nullptr && Equal(one, *two);
  }

  static bool Equal(const Null&, const Null&) { return true; }
  static bool Equal(const Tensor& one, const Tensor& two) { return SameTensor(one, two); }
  static bool Equal(const std::string& one, const std::string& two) { return one == two; }
  static bool Equal(int64_t one, int64_t two) { return one == two; }
  static bool Equal(double one, double two) { return SameFloat(one, two); }
  static bool Equal(bool one, bool two) { return one == two; }
  static bool Equal(const List& one, const List& two) { return std::ranges::equal(one, two, Same); }
  static bool Equal(const Map& one, const Map& two) { return SameMap(one, two); }
};

// What it holds; the kind is said before.
struct Printer {
  std::string operator()(const Null&) const { return ""; }
  std::string operator()(const Tensor& tensor) const {
    const auto bytes = tensor.data().first(std::min<size_t>(tensor.data().size(), 32));
    return absl::StrCat(
        " ", tensor.Description(), " ",
        absl::BytesToHexString({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  std::string operator()(const std::string& text) const {
    return absl::StrCat(" '", absl::Utf8SafeCEscape(text), "'");
  }
  std::string operator()(int64_t number) const { return absl::StrCat(" ", number); }
  std::string operator()(double number) const { return " " + Json(number).dump(); }
  std::string operator()(bool truth) const { return truth ? " true" : " false"; }
  std::string operator()(const List& list) const {
    const auto append = [](std::string* out, const Value& item) { *out += Brief(item); };
    return absl::StrCat(" [", absl::StrJoin(list, ", ", append), "]");
  }
  std::string operator()(const Map& map) const {
    const auto append = [](std::string* out, const MapEntry& entry) {
      std::visit([out](const auto& key) { absl::StrAppend(out, key, ": "); }, entry.key);
      *out += Brief(entry.value);
    };
    return absl::StrCat(" {", absl::StrJoin(map, ", ", append), "}");
  }
};

}  // namespace

Value ValueOf(const Json& json) {
  if (json.size() != 1) throw std::invalid_argument(absl::StrCat("no value: ", json.dump()));
  const std::string& kind = json.begin().key();
  const Json& content = json.begin().value();
  if (kind == "tensor") return TensorOf(content);
  if (kind == "text") return content.get<std::string>();
  if (kind == "int") return IntOf(content.get<std::string>());
  if (kind == "float") return FloatOf(content);
  if (kind == "bool") return content.get<bool>();
  if (kind == "null") return Null();
  if (kind == "map" || kind == "int_map") return MapOf(content, kind == "int_map");
  if (kind != "list") throw std::invalid_argument(absl::StrCat("no kind of value: ", kind));
  List list;
  for (const Json& item : content) list.push_back(ValueOf(item));
  return Value(std::move(list));
}

bool Same(const Value& one, const Value& other) { return std::visit(Comparer{other}, one.kind()); }

std::string Brief(const Value& value) {
  return Brief(value.KindName() + std::visit(Printer(), value.kind()));
}

std::string Brief(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  if (text.size() <= kBriefBytes) return text;
  // Not in the middle of a character.
  size_t end = kBriefBytes;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace torchere
