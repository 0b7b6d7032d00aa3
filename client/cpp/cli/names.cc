// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/names.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>

namespace torchere::cli {
namespace {

bool SameLetter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Levenshtein's distance, by bytes, upper and lower case alike.
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (SameLetter(a[i], b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> NearestName(const std::string& name,
                                       const std::vector<std::string>& known) {
  std::optional<std::string> nearest;
  // A third of the name may be wrong, and one letter of a short one.
  size_t limit = std::max<size_t>(1, name.size() / 3);
  for (const std::string& candidate : known) {
    const size_t distance = Distance(name, candidate);
    if (distance > limit || distance >= name.size() || (nearest && distance == limit)) continue;
    nearest = candidate;
    limit = distance;
  }
  return nearest;
}

}  // namespace torchere::cli
