// SPDX-License-Identifier: Apache-2.0
#include "server/registry/text_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/request/utf8.h"

namespace torchere {
namespace {

namespace fs = std::filesystem;

}  // namespace

absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t max_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return absl::NotFoundError("no such file");
  // A pipe or a device might never end.
  if (!error && !fs::is_regular_file(status)) return absl::InvalidArgumentError("not a file");
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return absl::InvalidArgumentError("cannot be read");

  std::string text(max_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return absl::InvalidArgumentError("cannot be read");
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError("not UTF-8 text");
  return text;
}

bool IsOneLine(absl::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
  });
}

}  // namespace torchere
