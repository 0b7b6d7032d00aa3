// SPDX-License-Identifier: Apache-2.0
#include "server/registry/text_file.h"

#include "absl/strings/match.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

TEST_CASE("IsOneLine takes tabs and letters of every script, and no other control character",
          "[registry]") {
  CHECK(IsOneLine("a\tb"));
  CHECK(IsOneLine("\xC3\xA9 \xF0\x9F\x98\x80"));
  CHECK_FALSE(IsOneLine("a\nb"));
  CHECK_FALSE(IsOneLine("a\rb"));
  CHECK_FALSE(IsOneLine("a\x1B[2Jb"));
  CHECK_FALSE(IsOneLine("a\x7F"));
  CHECK_FALSE(IsOneLine(absl::string_view("a\0b", 3)));
}

TEST_CASE("ReadTextFile takes a file up to its limit and none above", "[registry]") {
  const TempFolder folder;
  const std::string path = folder.Write("ten", "0123456789");
  CHECK(ReadTextFile(path, 10).value() == "0123456789");
  CHECK(ReadTextFile(path, 11).value() == "0123456789");
  CHECK(absl::IsInvalidArgument(ReadTextFile(path, 9).status()));
  CHECK(ReadTextFile(folder.Write("empty"), 10).value().empty());
}

TEST_CASE("ReadTextFile says what is wrong with a file", "[registry]") {
  const TempFolder folder;
  CHECK(absl::IsNotFound(ReadTextFile(folder.Path("none"), 10).status()));
  CHECK(absl::IsInvalidArgument(ReadTextFile(folder.Path(), 10).status()));
  CHECK(absl::IsInvalidArgument(ReadTextFile("/dev/zero", 10).status()));
  const auto binary = ReadTextFile(folder.Write("binary", "\xFF\xFE"), 10);
  CHECK(absl::StrContains(binary.status().message(), "UTF-8"));
}

}  // namespace
}  // namespace torchere
