// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace torchere::cli {
namespace {

using Kind = Type::Kind;

// Deeper than any value may be nested.
constexpr int kMaxDepth = 32;

struct Simple {
  std::string_view name;
  Kind kind;
};

constexpr std::array<Simple, 9> kSimple = {{{"Tensor", Kind::kTensor},
                                            {"str", Kind::kText},
                                            {"int", Kind::kInt},
                                            {"float", Kind::kFloat},
                                            {"bool", Kind::kBool},
                                            {"number", Kind::kNumber},
                                            {"Scalar", Kind::kNumber},
                                            {"NoneType", Kind::kNone},
                                            {"None", Kind::kNone}}};

struct Generic {
  std::string_view name;
  Kind kind;
  // Exactly so many elements; -1 for any number of them.
  int elements;
};

constexpr std::array<Generic, 5> kGeneric = {{{"Optional", Kind::kOptional, 1},
                                              {"Union", Kind::kUnion, -1},
                                              {"List", Kind::kList, 1},
                                              {"Tuple", Kind::kTuple, -1},
                                              {"Dict", Kind::kDict, 2}}};

template <typename Rows>
auto FindName(const Rows& rows, const std::string& name) {
  return std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
}

bool IsNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

}  // namespace

class TypeParser {
 public:
  explicit TypeParser(const std::string& text) : text_(text) {}

  absl::StatusOr<Type> ParseAll() {
    absl::StatusOr<Type> type = ParseType(0);
    if (!type.ok()) return type;
    SkipSpaces();
    if (position_ != text_.size()) return Unexpected("the end");
    return type;
  }

 private:
  absl::StatusOr<Type> ParseType(int depth) {
    if (depth > kMaxDepth) {
      return absl::InvalidArgumentError(
          absl::StrCat("the type is nested more than ", kMaxDepth, " deep"));
    }
    const std::string name = TakeName();
    if (name.empty()) return Unexpected("a type's name");
    Type type;
    type.text_ = name;
    const auto simple = FindName(kSimple, name);
    if (simple != kSimple.end()) type.kind_ = simple->kind;
    absl::Status status;
    if (Take('(')) {
      status = ParseFields(depth, type);
    } else if (Take('[')) {
      status = ParseElements(depth, type);
      if (status.ok()) status = SetGeneric(name, type);
    }
    if (!status.ok()) return status;
    return type;
  }

  // What follows the '(' of a NamedTuple.
  absl::Status ParseFields(int depth, Type& type) {
    std::vector<std::string> texts;
    while (!Take(')')) {
      if (!type.fields_.empty() && !Take(',')) return Unexpected("',' or ')'");
      type.fields_.push_back(TakeName());
      if (type.fields_.back().empty() || !Take(':')) return Unexpected("a field's 'name:'");
      absl::StatusOr<Type> element = ParseType(depth + 1);
      if (!element.ok()) return element.status();
      texts.push_back(absl::StrCat(type.fields_.back(), ": ", element->text()));
      type.elements_.push_back(*std::move(element));
    }
    type.kind_ = Kind::kNamedTuple;
    type.text_ = absl::StrCat(type.text_, "(", absl::StrJoin(texts, ", "), ")");
    return absl::OkStatus();
  }

  // What follows a '['. Tuple[()] is the tuple of nothing.
  absl::Status ParseElements(int depth, Type& type) {
    if (Take('(')) {
      return Take(')') && Take(']') ? absl::OkStatus() : Unexpected("')]'");
    }
    if (Take(']')) return absl::OkStatus();
    do {
      absl::StatusOr<Type> element = ParseType(depth + 1);
      if (!element.ok()) return element.status();
      type.elements_.push_back(*std::move(element));
    } while (Take(','));
    return Take(']') ? absl::OkStatus() : Unexpected("',' or ']'");
  }

  absl::Status SetGeneric(const std::string& name, Type& type) {
    const auto append_text = [](std::string* to, const Type& t) { to->append(t.text()); };
    type.text_ = absl::StrCat(name, "[", absl::StrJoin(type.elements_, ", ", append_text), "]");
    type.kind_ = Kind::kOther;
    const auto generic = FindName(kGeneric, name);
    if (generic == kGeneric.end()) return absl::OkStatus();
    type.kind_ = generic->kind;
    const int wanted = generic->elements;
    const auto got = static_cast<int>(type.elements_.size());
    if (wanted == -1 || wanted == got) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("the type '", text_, "': ", name, " has ", wanted, " elements, got ", got));
  }

  std::string TakeName() {
    SkipSpaces();
    const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(position_);
    std::string name(begin, std::find_if_not(begin, text_.end(), IsNameByte));
    position_ += name.size();
    return name;
  }

  bool Take(char c) {
    SkipSpaces();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void SkipSpaces() {
    while (position_ < text_.size() && text_[position_] == ' ') ++position_;
  }

  absl::Status Unexpected(const char* expected) const {
    return absl::InvalidArgumentError(absl::StrCat("the type '", text_, "': expected ", expected,
                                                   " at position ", position_ + 1));
  }

  const std::string& text_;
  size_t position_ = 0;
};

absl::StatusOr<Type> Type::Parse(const std::string& text) { return TypeParser(text).ParseAll(); }

}  // namespace torchere::cli
