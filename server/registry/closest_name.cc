// SPDX-License-Identifier: Apache-2.0
#include "server/registry/closest_name.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace torchere {
namespace {

// The optimal string alignment distance: insertions, deletions, replacements
// and swaps of neighbours.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string ClosestName(absl::string_view name, const std::vector<std::string>& candidates) {
  const std::string lower = absl::AsciiStrToLower(name);
  size_t best = std::max<size_t>(1, name.size() / 3) + 1;
  std::string closest;
  for (const std::string& candidate : candidates) {
    // Lengths that differ by `best` cannot be closer; it also keeps the table small.
    if (std::max(name.size(), candidate.size()) - std::min(name.size(), candidate.size()) >= best) {
      continue;
    }
    const size_t distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    if (distance >= best) continue;
    best = distance;
    closest = candidate;
  }
  return closest;
}

}  // namespace torchere
