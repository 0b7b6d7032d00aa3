// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/classes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string_view>
#include <type_traits>

#include "client/cpp/cli/item_type.h"
#include "client/cpp/cli/table.h"
#include "client/cpp/cli/tensor_json.h"
#include "fmt/format.h"

namespace torchere::cli {
namespace {

constexpr int kBarWidth = 32;

// What softmax in half precision may miss 1 by.
constexpr double kSumTolerance = 0.02;

std::vector<double> AsDoubles(const Tensor& tensor) {
  return WithItemType(tensor.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<double> numbers;
    numbers.reserve(tensor.size());
    const auto items = tensor.As<T>();
    for (const T item : *items) {
      // A score reads the same here as among the tensor's items.
      if constexpr (std::is_same_v<T, float>) {
        numbers.push_back(ShortestAsDouble(item));
      } else {
        numbers.push_back(ItemAsDouble(item));
      }
    }
    return numbers;
  });
}

bool AreProbabilities(std::span<const double> scores) {
  const bool in_range =
      std::all_of(scores.begin(), scores.end(), [](double s) { return s >= 0 && s <= 1; });
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  return in_range && std::fabs(sum - 1) <= kSumTolerance;
}

RankedRow RankRow(std::span<const double> scores, const std::vector<std::string>& labels,
                  int64_t top) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  // NaN compares with nothing, so it is put below all numbers first.
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b]))
      return std::isnan(scores[b]) > std::isnan(scores[a]);
    return scores[a] > scores[b];
  });
  RankedRow row;
  row.probabilities = AreProbabilities(scores);
  const auto numbers =
      std::find_if(order.rbegin(), order.rend(), [&](int64_t i) { return !std::isnan(scores[i]); });
  if (numbers != order.rend()) {
    row.highest = scores[order.front()];
    row.lowest = scores[*numbers];
  }
  order.resize(std::min<size_t>(order.size(), top));
  for (const int64_t index : order) {
    row.classes.push_back({.index = index, .label = labels[index], .score = scores[index]});
  }
  return row;
}

double ShareOf(const RankedRow& row, double score) {
  if (row.probabilities) return score;
  const double range = row.highest - row.lowest;
  return range > 0 && std::isfinite(range) ? (score - row.lowest) / range : 0;
}

}  // namespace

std::optional<std::vector<RankedRow>> RankClasses(const Tensor& scores,
                                                  const std::vector<std::string>& labels,
                                                  int64_t top) {
  if (labels.empty() || scores.shape().empty() ||
      scores.shape().back() != static_cast<int64_t>(labels.size())) {
    return std::nullopt;
  }
  const std::vector<double> numbers = AsDoubles(scores);
  std::vector<RankedRow> rows;
  for (size_t begin = 0; begin < numbers.size(); begin += labels.size()) {
    rows.push_back(RankRow(std::span(numbers).subspan(begin, labels.size()), labels, top));
  }
  return rows;
}

std::string Bar(double share, int width, const Style& style) {
  constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (!(share > 0)) return "";
  const double columns = std::min(share, 1.0) * width;
  if (!style.blocks) return std::string(static_cast<size_t>(std::lround(columns)), '#');
  const long eighths = std::lround(columns * 8);
  std::string bar;
  for (long i = 0; i < eighths / 8; ++i) bar += "█";
  return bar.append(kEighths[eighths % 8]);
}

std::string RowText(const RankedRow& row, const Style& style) {
  Table table;
  for (size_t i = 0; i < row.classes.size(); ++i) {
    const ScoredClass& one = row.classes[i];
    const std::string score = row.probabilities ? fmt::format("{:.2f} %", one.score * 100)
                                                : fmt::format("{:.6g}", one.score);
    // As wide as the widest can be, so that rows below each other line up.
    std::string bar = Bar(ShareOf(row, one.score), kBarWidth, style);
    bar.append(kBarWidth - Columns(bar), ' ');
    table.Add({{Printable(one.label), i == 0 ? Emphasis::kBold : Emphasis::kNone},
               {bar, i == 0 ? Emphasis::kGood : Emphasis::kFaint},
               {score, i == 0 ? Emphasis::kBold : Emphasis::kNone, true}});
  }
  return table.Text(style, "  ");
}

}  // namespace torchere::cli
