// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/console.h"

#include <fcntl.h>
#include <unistd.h>

#include "client/cpp/cli/table.h"
#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

TEST_CASE("text is painted only where the style has colour", "[cli]") {
  CHECK(Paint({.colour = false}, Emphasis::kBad, "x") == "x");
  CHECK(Paint({.colour = true}, Emphasis::kNone, "x") == "x");
  CHECK(Paint({.colour = true}, Emphasis::kBad, "x") == "\x1b[31mx\x1b[0m");
}

TEST_CASE("what is no terminal gets neither colour nor blocks", "[cli]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const Style style = StyleOf(ends[1]);
  close(ends[0]);
  close(ends[1]);
  CHECK_FALSE(style.colour);
  CHECK_FALSE(style.blocks);
}

TEST_CASE("a terminal gets colour and blocks, less what the environment refuses", "[cli]") {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0) return;
  setenv("TERM", "xterm", 1);
  setenv("LC_ALL", "C.UTF-8", 1);
  unsetenv("NO_COLOR");
  CHECK(StyleOf(terminal).colour);
  CHECK(StyleOf(terminal).blocks);
  setenv("NO_COLOR", "1", 1);
  CHECK_FALSE(StyleOf(terminal).colour);
  CHECK(StyleOf(terminal).blocks);
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  CHECK_FALSE(StyleOf(terminal).colour);
  setenv("LC_ALL", "C", 1);
  CHECK_FALSE(StyleOf(terminal).blocks);
  unsetenv("LC_ALL");
  close(terminal);
}

TEST_CASE("a server's text cannot steer the terminal", "[cli]") {
  CHECK(Printable("a\x1b[31m\r\x7f") == "a\\x1b[31m\\x0d\\x7f");
  CHECK(Printable("two\nlines") == "two lines");
  CHECK(Printable("\xc2\x9b"
                  "31m") == "\\u009b31m");
  CHECK(Printable("é 数 …") == "é 数 …");
}

TEST_CASE("a table aligns its columns and ends no line in spaces", "[cli]") {
  Table table;
  table.Add({{"NAME"}, {"N", Emphasis::kNone, true}, {"NOTE"}});
  table.Add({{"é"}, {"100", Emphasis::kNone, true}, {""}});
  table.Add({{"longer"}, {""}, {"x"}});
  CHECK(table.Text({}, "> ") ==
        "> NAME      N  NOTE\n"
        "> é       100\n"
        "> longer       x\n");
}

TEST_CASE("colours do not disturb a table's columns", "[cli]") {
  Table table;
  table.Add({{"a", Emphasis::kBad}, {"x"}});
  table.Add({{"bb"}, {"y"}});
  CHECK(table.Text({.colour = true}) == "\x1b[31ma\x1b[0m   x\nbb  y\n");
}

}  // namespace
}  // namespace torchere::cli
