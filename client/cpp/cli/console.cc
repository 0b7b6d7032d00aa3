// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/console.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "fmt/color.h"
#include "fmt/format.h"

namespace torchere::cli {
namespace {

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool IsUtf8Locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view locale = Environment(name);
    if (locale.empty()) continue;
    return locale.find("UTF-8") != std::string_view::npos ||
           locale.find("utf8") != std::string_view::npos;
  }
  return false;
}

fmt::text_style TextStyle(Emphasis emphasis) {
  switch (emphasis) {
    case Emphasis::kBold:
      return fmt::emphasis::bold;
    case Emphasis::kFaint:
      return fmt::emphasis::faint;
    case Emphasis::kGood:
      return fmt::fg(fmt::terminal_color::green);
    case Emphasis::kWarning:
      return fmt::fg(fmt::terminal_color::yellow);
    case Emphasis::kBad:
      return fmt::fg(fmt::terminal_color::red);
    case Emphasis::kNone:
      break;
  }
  return {};
}

}  // namespace

Style StyleOf(int descriptor) {
  if (isatty(descriptor) == 0) return {};
  const bool dumb = Environment("TERM") == "dumb";
  return {
      .colour = Environment("NO_COLOR").empty() && !dumb, .blocks = IsUtf8Locale(), .live = !dumb};
}

std::string Paint(const Style& style, Emphasis emphasis, const std::string& text) {
  if (!style.colour || emphasis == Emphasis::kNone) return text;
  return fmt::format(TextStyle(emphasis), "{}", text);
}

std::string Printable(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
    // U+0080 to U+009F are control characters as well: C2 80 to C2 9F.
    if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {
      result += fmt::format("\\u{:04x}", next);
      ++i;
    } else if (byte == '\n') {
      result += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace torchere::cli
