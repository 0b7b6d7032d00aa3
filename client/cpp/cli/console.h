// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>

namespace torchere::cli {

// How text may look where it goes.
struct Style {
  // Colours and bold.
  bool colour = false;
  // Block characters, for bars; else '#'.
  bool blocks = false;
  // Lines that are redrawn.
  bool live = false;
};

// Where the command line client writes.
struct Console {
  std::ostream& out;
  std::ostream& err;
  Style out_style = {};
  Style err_style = {};
};

// The style for a file descriptor: plain unless it is a terminal; without colour
// where NO_COLOR is set or TERM is "dumb", which has no live lines either; with blocks
// where the locale is UTF-8.
Style StyleOf(int descriptor);

enum class Emphasis { kNone, kBold, kFaint, kGood, kWarning, kBad };

// `text` with the escapes of the emphasis, where the style has colour.
std::string Paint(const Style& style, Emphasis emphasis, const std::string& text);

// `text` of a server on one line: without the control characters by which it
// could move the cursor or change the terminal.
std::string Printable(const std::string& text);

}  // namespace torchere::cli
