// SPDX-License-Identifier: Apache-2.0
#include "server/request/utf8.h"

#include <string>

#include "tests/support/catch.h"

namespace torchere {
namespace {

TEST_CASE("IsUtf8 takes every length of character up to its last", "[request]") {
  CHECK(IsUtf8(""));
  CHECK(IsUtf8("plain"));
  CHECK(IsUtf8("\xC2\x80 \xDF\xBF"));
  CHECK(IsUtf8("\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF"));
  CHECK(IsUtf8("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

TEST_CASE("IsUtf8 refuses what is no character", "[request]") {
  const char* text = GENERATE("\x80",              // continues nothing
                              "\xC0\xAF",          // overlong /
                              "\xC1\xBF",          // overlong
                              "\xE0\x9F\xBF",      // overlong
                              "\xF0\x8F\xBF\xBF",  // overlong
                              "\xED\xA0\x80",      // a surrogate
                              "\xF4\x90\x80\x80",  // above U+10FFFF
                              "\xF5\x80\x80\x80", "\xFF",
                              "\xC3",  // cut
                              "\xE2\x82", "\xF0\x9F\x98", "\xE2(\xAC", "\xF0\x9F\x98(");
  CHECK_FALSE(IsUtf8(text));
  CHECK_FALSE(IsUtf8(std::string("a") + text));
}

}  // namespace
}  // namespace torchere
