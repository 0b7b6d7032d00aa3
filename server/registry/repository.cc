// SPDX-License-Identifier: Apache-2.0
#include "server/registry/repository.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace torchere {
namespace {

namespace fs = std::filesystem;

constexpr char kModelFile[] = "model.pt";
constexpr char kPackageFile[] = "model.pt2";
constexpr char kConfigFile[] = "model.yaml";
constexpr size_t kMaxNameSize = 128;
constexpr size_t kWarningsInError = 3;

// A path for messages: on one line.
std::string PathText(const fs::path& path) { return absl::Utf8SafeCEscape(path.string()); }

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// Whether something of this name is there that is no folder. A link that leads
// nowhere counts: to read it must fail, where to pass it over would hide it.
bool IsFile(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(path, error).type();
  return type != fs::file_type::not_found && type != fs::file_type::none && !IsFolder(path);
}

// What a folder holds, by name, without the hidden entries: those of a mounted
// Kubernetes ConfigMap ("..data") are among them.
absl::StatusOr<std::vector<fs::path>> List(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().filename().string().front() != '.') entries.push_back(entry->path());
  }
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat(PathText(folder), " cannot be listed: ", error.message()));
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

// A positive decimal number without sign or leading zero.
std::optional<int64_t> VersionOf(const std::string& name) {
  int64_t version = 0;
  if (name.empty() || name.front() < '1' || name.front() > '9' ||
      !std::all_of(name.begin(), name.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(name, &version)) {
    return std::nullopt;
  }
  return version;
}

// The version that was most likely meant: "v2" is 2, "003" is 3, anything else 1.
std::string LikelyVersion(const std::string& name) {
  std::string digits;
  std::copy_if(name.begin(), name.end(), std::back_inserter(digits), absl::ascii_isdigit);
  digits.erase(0, digits.find_first_not_of('0'));
  return VersionOf(digits) ? digits : "1";
}

std::string NoVersionWarning(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return absl::StrCat(PathText(folder), " is not served: '", absl::Utf8SafeCEscape(name),
                      "' is no version, which is a positive whole number without sign or leading "
                      "zero, at most 9223372036854775807; rename the folder, to '",
                      LikelyVersion(name), "' perhaps");
}

std::string PackageWarning(const fs::path& file) {
  return absl::StrCat(PathText(file),
                      " is not served: .pt2 is not supported yet; save the model "
                      "with torch.jit.save as ",
                      PathText(file.parent_path() / kModelFile));
}

// A folder that may be a model, and what is wrong with it.
struct Scan {
  ModelSource model;
  std::vector<std::string> warnings;
};

void ScanVersion(const fs::path& folder, int64_t version, Scan& scan) {
  if (IsFile(folder / kModelFile)) {
    scan.model.versions.push_back({version, (folder / kModelFile).string()});
  } else if (IsFile(folder / kPackageFile)) {
    scan.warnings.push_back(PackageWarning(folder / kPackageFile));
  } else {
    scan.warnings.push_back(
        absl::StrCat(PathText(folder), " is not served: it holds no file ", kModelFile));
  }
}

void ScanFile(const fs::path& file, Scan& scan) {
  const std::string name = file.filename().string();
  if (name == kConfigFile) {
    scan.model.config_path = file.string();
  } else if (name == "model.yml") {
    scan.warnings.push_back(
        absl::StrCat(PathText(file), " is not read; rename it to ", kConfigFile));
  } else if (name == kModelFile) {
    scan.warnings.push_back(
        absl::StrCat(PathText(file), " is not served: it is not in a version's folder; move it to ",
                     PathText(file.parent_path() / "1" / kModelFile)));
  } else if (name == kPackageFile) {
    scan.warnings.push_back(PackageWarning(file));
  }
}

Scan ScanModel(const fs::path& folder) {
  Scan scan;
  scan.model.name = folder.filename().string();
  const absl::StatusOr<std::vector<fs::path>> entries = List(folder);
  if (!entries.ok()) {
    scan.warnings.emplace_back(entries.status().message());
    return scan;
  }
  for (const fs::path& entry : *entries) {
    const std::optional<int64_t> version = VersionOf(entry.filename().string());
    if (!IsFolder(entry)) {
      ScanFile(entry, scan);
    } else if (version) {
      ScanVersion(entry, *version, scan);
    } else if (IsFile(entry / kModelFile) || IsFile(entry / kPackageFile)) {
      scan.warnings.push_back(NoVersionWarning(entry));
    }
  }
  std::sort(scan.model.versions.begin(), scan.model.versions.end(),
            [](const VersionSource& a, const VersionSource& b) { return a.version > b.version; });
  if (scan.model.versions.empty() && scan.warnings.empty() && !scan.model.config_path.empty()) {
    scan.warnings.push_back(absl::StrCat(PathText(folder), " is not served: it has a ", kConfigFile,
                                         " and no version; expected ",
                                         PathText(folder / "1" / kModelFile)));
  }
  return scan;
}

void AddScan(const fs::path& folder, Scan scan, Repository& repository) {
  const bool looks_like_model = !scan.model.versions.empty() || !scan.warnings.empty();
  if (looks_like_model && !IsModelName(scan.model.name)) {
    repository.warnings.push_back(
        absl::StrCat(PathText(folder), " is not served: a model's name is 1 to ", kMaxNameSize,
                     " of A-Z a-z 0-9 . _ - and begins with no dot; rename the folder"));
    return;
  }
  std::move(scan.warnings.begin(), scan.warnings.end(), std::back_inserter(repository.warnings));
  if (!scan.model.versions.empty()) repository.models.push_back(std::move(scan.model));
}

// The name that a model in `folder` would have.
std::string LikelyName(fs::path folder) {
  if (VersionOf(folder.filename().string())) folder = folder.parent_path();
  const std::string name = folder.filename().string();
  return IsModelName(name) ? name : "NAME";
}

// Says what to do where `dir` is itself a model; empty where it is none.
std::string SingleModelAdvice(const fs::path& dir, const std::vector<fs::path>& entries) {
  std::error_code error;
  const fs::path real = fs::canonical(dir, error);
  const std::string option = absl::StrCat("--model=", LikelyName(real), "=");
  if (IsFile(dir / kModelFile)) {
    return absl::StrCat("it looks like a single model: serve that with ", option,
                        PathText(dir / kModelFile));
  }
  for (const fs::path& entry : entries) {
    if (!VersionOf(entry.filename().string()) || !IsFile(entry / kModelFile)) continue;
    return absl::StrCat("it looks like a single model: give the folder above it, --models=",
                        PathText(real.parent_path()), ", or serve one file with ", option,
                        PathText(entry / kModelFile));
  }
  return "";
}

absl::Status NoModelError(const fs::path& dir, const std::vector<fs::path>& entries,
                          std::vector<std::string> warnings) {
  std::string advice = SingleModelAdvice(dir, entries);
  if (advice.empty()) {
    warnings.resize(std::min(warnings.size(), kWarningsInError));
    warnings.insert(warnings.begin(),
                    absl::StrCat("put one at ", PathText(dir / "NAME" / "1" / kModelFile)));
    advice = absl::StrJoin(warnings, "; ");
  }
  return absl::InvalidArgumentError(absl::StrCat("model repository ", PathText(dir),
                                                 " holds no model: there is no ", "NAME/VERSION/",
                                                 kModelFile, " in it; ", advice));
}

}  // namespace

absl::StatusOr<Repository> ScanRepository(const std::string& dir) {
  std::error_code error;
  const fs::path root(dir);
  const fs::file_status status = fs::status(root, error);
  if (status.type() == fs::file_type::not_found) {
    return absl::NotFoundError(
        absl::StrCat("model repository ", PathText(root), ": no such folder"));
  }
  if (!error && !fs::is_directory(status)) {
    return absl::InvalidArgumentError(
        absl::StrCat("model repository ", PathText(root),
                     " is no folder; a single file is served with --model=NAME=", PathText(root)));
  }
  const absl::StatusOr<std::vector<fs::path>> entries = List(root);
  if (!entries.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("model repository ", entries.status().message()));
  }
  Repository repository;
  for (const fs::path& entry : *entries) {
    if (IsFolder(entry)) {
      AddScan(entry, ScanModel(entry), repository);
    } else if (entry.filename() == kModelFile) {
      repository.warnings.push_back(absl::StrCat(
          PathText(entry), " is not served: it is not in a model's folder; move it to ",
          PathText(root / "NAME" / "1" / kModelFile), " or serve it with --model=NAME=FILE"));
    }
  }
  if (repository.models.empty()) return NoModelError(root, *entries, repository.warnings);
  return repository;
}

bool IsModelName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameSize && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

}  // namespace torchere
