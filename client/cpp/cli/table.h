// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "client/cpp/cli/console.h"

namespace torchere::cli {

// Rows of cells in aligned columns, two spaces apart, one line a row.
class Table {
 public:
  struct Cell {
    std::string text;
    Emphasis emphasis = Emphasis::kNone;
    bool right = false;
  };

  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

  // Each line led by `indent`; no spaces at the end of a line.
  std::string Text(const Style& style, const std::string& indent = "") const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

// Columns that UTF-8 text takes, counting one for each code point.
size_t Columns(const std::string& text);

}  // namespace torchere::cli
