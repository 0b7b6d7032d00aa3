// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/value_text.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/cli/console.h"
#include "client/cpp/cli/item_type.h"
#include "client/cpp/cli/json.h"
#include "client/cpp/cli/value_json.h"
#include "fmt/format.h"

namespace torchere::cli {
namespace {

// What is shown of a tensor and of a list.
constexpr int64_t kMaxRows = 16;
constexpr int64_t kMaxRowItems = 16;
constexpr size_t kMaxListItems = 100;

template <typename T>
std::string ItemText(T item) {
  if constexpr (std::is_same_v<T, bool>) return item ? "true" : "false";
  if constexpr (std::is_integral_v<T>) return absl::StrCat(static_cast<int64_t>(item));
  return fmt::format("{:.6g}", ItemAsDouble(item));
}

template <typename T>
std::string RowItemsText(std::span<const T> row) {
  const size_t shown = std::min<size_t>(row.size(), kMaxRowItems);
  const auto append = [](std::string* to, T item) { to->append(ItemText(item)); };
  std::string text = absl::StrJoin(row.begin(), row.begin() + shown, ", ", append);
  if (shown < row.size()) absl::StrAppend(&text, ", … ", row.size(), " items");
  return absl::StrCat("[", text, "]");
}

// "[2, 0] " for the row of that number in a tensor of rank 3.
std::string RowPlace(const std::vector<int64_t>& shape, int64_t row) {
  if (shape.size() < 2) return "";
  std::vector<int64_t> place(shape.size() - 1);
  for (size_t d = place.size(); d-- > 0;) {
    place[d] = row % shape[d];
    row /= shape[d];
  }
  return absl::StrCat(ShapeText(place), " ");
}

bool IsShort(const Value& value) {
  return !value.Is<List>() && !value.Is<Map>() && !value.Is<Tensor>();
}

std::string Line(const Value& value) { return Printable(JsonText(ValueToJson(value))); }

std::string ListText(const List& list, const std::string& indent) {
  if (std::all_of(list.begin(), list.end(), IsShort)) {
    if (list.size() <= kMaxListItems) return Line(list);
    return absl::StrCat(Line(List(list.begin(), list.begin() + kMaxListItems)), " … ", list.size(),
                        " items");
  }
  std::string text = absl::StrCat(list.size(), list.size() == 1 ? " item" : " items");
  for (size_t i = 0; i < std::min(list.size(), kMaxListItems); ++i) {
    absl::StrAppend(&text, "\n", indent, "- ", ValueText(list[i], indent + "  "));
  }
  return text;
}

std::string MapText(const Map& map, const std::string& indent) {
  std::string text = absl::StrCat(map.size(), map.size() == 1 ? " entry" : " entries");
  for (size_t i = 0; i < std::min(map.size(), kMaxListItems); ++i) {
    const auto* number = std::get_if<int64_t>(&map[i].key);
    const std::string key =
        number ? absl::StrCat(*number) : Printable(std::get<std::string>(map[i].key));
    absl::StrAppend(&text, "\n", indent, key, ": ", ValueText(map[i].value, indent + "  "));
  }
  return text;
}

}  // namespace

std::string ItemsText(const Tensor& tensor, const std::string& indent) {
  return WithItemType(tensor.dtype(), [&](auto tag) -> std::string {
    using T = typename decltype(tag)::type;
    const std::span<const T> items = *tensor.As<T>();
    if (tensor.shape().empty()) return ItemText(items.front());
    if (items.empty()) return "no items";
    const int64_t row_items = tensor.shape().back();
    const int64_t rows = tensor.size() / row_items;
    std::vector<std::string> lines;
    for (int64_t i = 0; i < std::min(rows, kMaxRows); ++i) {
      lines.push_back(absl::StrCat(RowPlace(tensor.shape(), i),
                                   RowItemsText(items.subspan(i * row_items, row_items))));
    }
    if (rows > kMaxRows) {
      lines.push_back(absl::StrCat("… ", rows - kMaxRows, " more rows; --output=json shows all"));
    }
    return absl::StrJoin(lines, absl::StrCat("\n", indent));
  });
}

std::string ValueText(const Value& value, const std::string& indent) {
  if (const auto* tensor = value.If<Tensor>()) {
    const bool one_line = tensor->shape().size() <= 1 || tensor->size() == 0;
    return absl::StrCat(tensor->Description(), one_line ? "  " : absl::StrCat("\n", indent),
                        ItemsText(*tensor, indent));
  }
  if (const auto* list = value.If<List>()) return ListText(*list, indent);
  if (const auto* map = value.If<Map>()) return MapText(*map, indent);
  return Line(value);
}

}  // namespace torchere::cli
