// SPDX-License-Identifier: Apache-2.0
#include "server/registry/yaml_value.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/status_macros.h"
#include "server/registry/text_file.h"

namespace torchere {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;
constexpr int kMaxValues = 100'000;
constexpr int kMaxDepth = 16;
constexpr size_t kShownBytes = 64;

// The tags that yaml-cpp itself gives to what has none: "?" and, in quotes, "!".
bool IsTagged(const std::string& tag) { return !tag.empty() && tag != "?" && tag != "!"; }

// Sees a document go by and throws at what it may not hold, so that it is
// never built: yaml-cpp has no limits of its own, and its tree no longer tells
// an alias from what it stands for.
class Limits : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Refuse(mark, "a second document, or text that belongs to none");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Count(mark, "", anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not supported; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string&) override {
    Count(mark, tag, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Count(mark, tag, anchor);
    Enter(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Count(mark, tag, anchor);
    Enter(mark);
  }
  void OnMapEnd() override { --depth_; }

 private:
  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& problem) {
    throw YAML::ParserException(mark, problem);
  }
  void Enter(const YAML::Mark& mark) {
    if (++depth_ > kMaxDepth) Refuse(mark, absl::StrCat("deeper than ", kMaxDepth, " levels"));
  }
  void Count(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      Refuse(mark, "anchors (&name) are not supported; write the value out");
    }
    if (IsTagged(tag)) Refuse(mark, absl::StrCat("tags are not supported: ", Quoted(tag)));
    if (++values_ > kMaxValues) {
      Refuse(mark, absl::StrCat("more than ", kMaxValues,
                                " values in the file; long lists of labels belong into a "
                                "labels_file"));
    }
  }

  int documents_ = 0;
  int depth_ = 0;
  int values_ = 0;
};

YAML::Node Load(const std::string& text) {
  // Without the comment yaml-cpp takes the end of the text for a closing quote
  // that is missing.
  std::istringstream stream(text + "\n#");
  YAML::Parser parser(stream);
  Limits limits;
  while (parser.HandleNextDocument(limits)) {
  }
  return YAML::Load(text);
}

// The line of the first character that a text file has not; 0 where there is
// none. yaml-cpp would end the document at some of them without a word.
int LineOfControl(absl::string_view text) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    absl::ConsumeSuffix(&line, "\r");
    if (!IsOneLine(line)) return number;
  }
  return 0;
}

int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 1 : mark.line + 1; }

int LastLine(absl::string_view text) {
  absl::ConsumeSuffix(&text, "\n");
  return 1 + static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

absl::string_view KindOf(const YAML::Node& node) {
  if (node.IsMap()) return "a map";
  if (node.IsSequence()) return "a list";
  return "nothing";
}

}  // namespace

absl::StatusOr<YamlValue> YamlValue::ReadFile(const std::string& path) {
  const auto file = std::make_shared<const std::string>(path);
  const auto text = ReadTextFile(path, kMaxFileBytes);
  if (!text.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", text.status().message()));
  }
  const auto error = [&file](int line, absl::string_view problem) {
    return YamlValue(file, YAML::Node(), "", line).Error(problem);
  };
  if (const int line = LineOfControl(*text); line > 0) {
    return error(line, "has a control character; is it a text file?");
  }
  try {
    YamlValue root(file, Load(*text), "", 1);
    if (root.node_.IsNull()) return error(1, "is empty");
    return root;
  } catch (const YAML::Exception& e) {
    return error(std::min(LineOf(e.mark), LastLine(*text)), e.msg);
  }
}

absl::Status YamlValue::Error(absl::string_view problem) const {
  return absl::InvalidArgumentError(
      absl::StrCat(*file_, ":", line_, ": ", path_, path_.empty() ? "" : ": ", problem));
}

absl::Status YamlValue::Expected(absl::string_view what) const {
  return Error(absl::StrCat("expected ", what, ", got ",
                            node_.IsScalar() ? Quoted(node_.Scalar()) : KindOf(node_)));
}

absl::StatusOr<std::vector<YamlEntry>> YamlValue::Entries() const {
  if (!node_.IsMap()) return Expected("a map of keys and values");
  std::map<std::string, int> lines;
  std::vector<YamlEntry> entries;
  for (const auto& entry : node_) {
    const YAML::Node& key = entry.first;
    const int line = LineOf(key.Mark());
    if (!key.IsScalar()) {
      return YamlValue(file_, key, path_, line)
          .Error(absl::StrCat("a key must be a text, got ", KindOf(key)));
    }
    const std::string shown = Shown(key.Scalar());
    YamlValue at(file_, entry.second, path_.empty() ? shown : absl::StrCat(path_, ".", shown),
                 line);
    const auto [first, is_new] = lines.emplace(key.Scalar(), line);
    if (!is_new) return at.Error(absl::StrCat("the key stands already in line ", first->second));
    entries.push_back({key.Scalar(), std::move(at)});
  }
  return entries;
}

absl::StatusOr<std::vector<YamlValue>> YamlValue::Items() const {
  if (!node_.IsSequence()) return Expected("a list");
  std::vector<YamlValue> items;
  for (const YAML::Node& item : node_) {
    // What is left out has the mark of what comes next.
    const int line = item.IsNull() ? line_ : LineOf(item.Mark());
    items.push_back(YamlValue(file_, item, absl::StrCat(path_, "[", items.size(), "]"), line));
  }
  return items;
}

absl::StatusOr<std::string> YamlValue::Text(size_t max_bytes) const {
  if (!node_.IsScalar()) return Expected("a text");
  if (node_.Scalar().empty()) return Error("is empty");
  if (node_.Scalar().size() > max_bytes) {
    return Error(absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  if (!IsOneLine(node_.Scalar())) {
    return Error(absl::StrCat("has a control character: ", Quoted(node_.Scalar())));
  }
  return node_.Scalar();
}

absl::StatusOr<int64_t> YamlValue::Int() const {
  int64_t number = 0;
  if (!node_.IsScalar() || !absl::SimpleAtoi(node_.Scalar(), &number)) {
    return Expected("a whole number");
  }
  // yaml-cpp's tag of a text in quotes.
  if (node_.Tag() == "!") return Expected("a whole number without quotes");
  return number;
}

absl::StatusOr<double> YamlValue::Number() const {
  double number = 0;
  const bool plain = node_.IsScalar() && node_.Tag() != "!";
  if (plain && YAML::convert<double>::decode(node_, number) && !std::isnan(number)) return number;
  return Expected("a number");
}

absl::StatusOr<bool> YamlValue::Bool() const {
  const bool plain = node_.IsScalar() && node_.Tag() != "!";
  if (plain && node_.Scalar() == "true") return true;
  if (plain && node_.Scalar() == "false") return false;
  return Expected("true or false");
}

std::string Shown(absl::string_view text) {
  size_t end = text.size();
  if (end > kShownBytes) {
    end = kShownBytes;
    // Not within a character of several bytes.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  return absl::StrCat(absl::Utf8SafeCEscape(text.substr(0, end)), end < text.size() ? "…" : "");
}

std::string Quoted(absl::string_view text) { return absl::StrCat("'", Shown(text), "'"); }

}  // namespace torchere
