// SPDX-License-Identifier: Apache-2.0
#include "server/registry/path_in_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/status_macros.h"

namespace torchere {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPathBytes = 4096;

bool IsInside(const std::string& name, const fs::path& folder) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  if (fs::path(name).is_absolute() || std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    return false;
  }
  std::error_code error;
  const fs::path real_folder = fs::canonical(folder, error);
  if (error) return false;
  const fs::path real_file = fs::weakly_canonical(real_folder / name, error);
  if (error) return false;
  return *real_file.lexically_relative(real_folder).begin() != "..";
}

}  // namespace

absl::StatusOr<std::string> PathInFolder(const YamlValue& value) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string name, value.Text(kMaxPathBytes));
  const fs::path model_yaml = value.file();
  const fs::path folder = model_yaml.has_parent_path() ? model_yaml.parent_path() : fs::path(".");
  if (!IsInside(name, folder)) {
    return value.Error(
        absl::StrCat("the file must be in the model's own folder, got ", Quoted(name)));
  }
  return (folder / name).string();
}

}  // namespace torchere
