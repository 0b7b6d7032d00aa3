// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cpp/cli/console.h"
#include "torchere/tensor.h"

namespace torchere::cli {

// One class of a row of scores.
struct ScoredClass {
  int64_t index = 0;
  std::string label;
  double score = 0;
};

// The classes of one row of scores, best first.
struct RankedRow {
  std::vector<ScoredClass> classes;
  // Whether the scores of all classes are in 0..1 and add up to 1.
  bool probabilities = false;
  // The largest and smallest of all scores that are numbers.
  double highest = 0;
  double lowest = 0;
};

// The `top` best classes of each row of `scores`, [rows…, classes]. Equal scores
// stay in the order of their indices; NaN comes last. Nothing where the last
// dimension does not count the labels.
std::optional<std::vector<RankedRow>> RankClasses(const Tensor& scores,
                                                  const std::vector<std::string>& labels,
                                                  int64_t top);

// A bar of `width` columns, filled by `share` of it (cut to 0..1): eighths of a
// block, or '#'. No spaces follow it.
std::string Bar(double share, int width, const Style& style);

// The row as lines of label, bar and score: in percent for probabilities, else
// as they are, the bars between the lowest score and the highest.
std::string RowText(const RankedRow& row, const Style& style);

}  // namespace torchere::cli
