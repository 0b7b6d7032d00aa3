// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/npy_header.h"

#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace torchere::cli {
namespace {

class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  absl::StatusOr<NpyHeader> Parse() {
    if (!Take('{')) return Unexpected("'{'");
    while (!Take('}')) {
      absl::Status status = ParseMember();
      if (!status.ok()) return status;
      if (Take(',')) continue;
      if (Take('}')) break;
      return Unexpected("',' or '}'");
    }
    SkipSpaces();
    if (!text_.empty()) return Unexpected("the end");
    if (!descr_ || !fortran_order_ || !shape_) {
      return absl::InvalidArgumentError(
          "the header lacks one of 'descr', 'fortran_order', 'shape'");
    }
    return NpyHeader{
        .descr = *std::move(descr_), .fortran_order = *fortran_order_, .shape = *std::move(shape_)};
  }

 private:
  absl::Status ParseMember() {
    const std::optional<std::string> key = TakeString();
    if (!key) return Unexpected("a key");
    if (!Take(':')) return Unexpected("':'");
    if (*key == "descr") return ParseDescr();
    if (*key == "fortran_order") return ParseOrder();
    if (*key == "shape") return ParseShape();
    return absl::InvalidArgumentError(absl::StrCat("the header has the unknown key '", *key, "'"));
  }

  absl::Status ParseDescr() {
    if (descr_) return Twice("descr");
    SkipSpaces();
    if (text_.starts_with('[')) {
      return absl::InvalidArgumentError("the items are records; only plain numbers are read");
    }
    descr_ = TakeString();
    return descr_ ? absl::OkStatus() : Unexpected("a dtype in quotes");
  }

  absl::Status ParseOrder() {
    if (fortran_order_) return Twice("fortran_order");
    if (TakeWord("True")) {
      fortran_order_ = true;
    } else if (TakeWord("False")) {
      fortran_order_ = false;
    } else {
      return Unexpected("True or False");
    }
    return absl::OkStatus();
  }

  // (), (3,), (3, 4) and (3, 4,); but not (3), which is a number in Python.
  absl::Status ParseShape() {
    if (shape_) return Twice("shape");
    if (!Take('(')) return Unexpected("'('");
    shape_.emplace();
    bool comma = true;
    while (!Take(')')) {
      if (!comma) return Unexpected("',' or ')'");
      const std::optional<int64_t> length = TakeLength();
      if (!length) return Unexpected("a length");
      shape_->push_back(*length);
      comma = Take(',');
    }
    if (shape_->size() == 1 && !comma) return Unexpected("',' after the only length");
    return absl::OkStatus();
  }

  std::optional<int64_t> TakeLength() {
    SkipSpaces();
    int64_t length = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), length);
    if (error != std::errc() || length < 0) return std::nullopt;
    text_.remove_prefix(end - text_.data());
    return length;
  }

  std::optional<std::string> TakeString() {
    SkipSpaces();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) return std::nullopt;
    const size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string result(text_.substr(1, end - 1));
    // NumPy never writes an escape here.
    if (result.find('\\') != std::string::npos) return std::nullopt;
    text_.remove_prefix(end + 1);
    return result;
  }

  bool TakeWord(std::string_view word) {
    SkipSpaces();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  bool Take(char c) { return TakeWord(std::string_view(&c, 1)); }

  void SkipSpaces() {
    const size_t spaces = text_.find_first_not_of(" \n");
    text_.remove_prefix(spaces == std::string_view::npos ? text_.size() : spaces);
  }

  absl::Status Unexpected(const char* expected) const {
    const std::string got =
        text_.empty() ? "the end" : absl::StrCat("'", std::string(text_.substr(0, 10)), "'");
    return absl::InvalidArgumentError(
        absl::StrCat("the header is malformed: expected ", expected, ", got ", got));
  }

  static absl::Status Twice(const char* key) {
    return absl::InvalidArgumentError(absl::StrCat("the header has '", key, "' twice"));
  }

  std::string_view text_;
  std::optional<std::string> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<int64_t>> shape_;
};

}  // namespace

absl::StatusOr<NpyHeader> ParseNpyHeader(std::string_view text) {
  return HeaderParser(text).Parse();
}

}  // namespace torchere::cli
