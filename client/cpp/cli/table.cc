// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/table.h"

#include <algorithm>

namespace torchere::cli {

size_t Columns(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; });
}

std::string Table::Text(const Style& style, const std::string& indent) const {
  std::vector<size_t> widths;
  for (const std::vector<Cell>& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Columns(row[i].text));
    }
  }
  std::string text;
  for (const std::vector<Cell>& row : rows_) {
    std::string line = indent;
    // Spaces are written once something follows them.
    size_t pending = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t padding = widths[i] - Columns(row[i].text);
      pending += row[i].right ? padding : 0;
      if (!row[i].text.empty()) {
        line.append(pending, ' ').append(Paint(style, row[i].emphasis, row[i].text));
        pending = 0;
      }
      pending += (row[i].right ? 0 : padding) + 2;
    }
    text += line + '\n';
  }
  return text;
}

}  // namespace torchere::cli
