// SPDX-License-Identifier: Apache-2.0
#include "server/backend/archive.h"

#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/base/status_macros.h"

namespace torchere {
namespace {

constexpr absl::string_view kSaveAgain =
    "; save the model in Python with torch.jit.save(torch.jit.script(model), FILE)";

struct Record {
  std::string name;
  uint64_t stored_bytes = 0;
  uint64_t bytes = 0;
  uint16_t compression = ZIP_CM_STORE;
};

using Records = std::vector<Record>;

absl::Status Invalid(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("'", path, "' ", what));
}

// The file's length, of a regular file that is not empty.
absl::StatusOr<uint64_t> FileBytes(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return absl::NotFoundError(absl::StrCat("'", path, "' does not exist"));
  }
  if (error) return Invalid(path, absl::StrCat("cannot be read: ", error.message()));
  if (!std::filesystem::is_regular_file(status)) return Invalid(path, "is not a file");
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) return Invalid(path, absl::StrCat("cannot be read: ", error.message()));
  if (size == 0) return Invalid(path, absl::StrCat("is empty", kSaveAgain));
  return size;
}

// What a file that is no zip archive seems to be.
absl::Status ExplainNoArchive(const std::string& path, const std::string& head) {
  if (absl::StartsWith(head, "version https://git-lfs.github.com/spec/")) {
    return Invalid(path,
                   "is a Git LFS pointer, not the model: the file was never downloaded; run "
                   "'git lfs pull' where it was cloned");
  }
  if (absl::StartsWith(head, "PK\x03\x04")) {
    return Invalid(path,
                   "is truncated: it begins as a zip archive, but its directory at the end is "
                   "missing or damaged; copy or download it again");
  }
  if (absl::StartsWith(head, "\x80\x02")) {
    return Invalid(path, absl::StrCat("is a pickle of Python objects, as torch.save wrote before "
                                      "1.6, not a TorchScript archive",
                                      kSaveAgain));
  }
  return Invalid(path, absl::StrCat("is not a TorchScript archive: it is no zip file", kSaveAgain));
}

absl::StatusOr<std::string> ReadHead(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Invalid(path, absl::StrCat("cannot be opened: ", std::strerror(errno)));
  std::string head(64, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  return head;
}

absl::StatusOr<Records> ReadDirectory(const std::string& path) {
  TORCHERE_ASSIGN_OR_RETURN(const std::string head, ReadHead(path));
  int error = 0;
  const std::unique_ptr<zip_t, decltype(&zip_discard)> archive(
      zip_open(path.c_str(), ZIP_RDONLY, &error), &zip_discard);
  if (archive == nullptr) return ExplainNoArchive(path, head);
  Records records;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    constexpr zip_uint64_t kNeeded =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &stat) != 0 ||
        (stat.valid & kNeeded) != kNeeded) {
      return Invalid(path, absl::StrCat("is damaged: record ", i, " of ", count,
                                        " in its directory cannot be read"));
    }
    records.push_back({stat.name, stat.comp_size, stat.size, stat.comp_method});
  }
  return records;
}

bool LeavesArchive(const std::string& name) {
  if (name.empty() || name[0] == '/' || absl::StrContains(name, '\\')) return true;
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  return std::find(parts.begin(), parts.end(), "..") != parts.end();
}

// The name without the folder that torch puts everything into.
absl::string_view WithoutRoot(absl::string_view name) {
  const size_t slash = name.find('/');
  return slash == absl::string_view::npos ? name : name.substr(slash + 1);
}

bool IsCode(const Record& record) { return absl::StartsWith(WithoutRoot(record.name), "code/"); }

// Refuses what no torch.jit.save writes and what would take more memory or
// another place than the file itself.
absl::Status CheckRecords(const std::string& path, const Records& records, uint64_t file_bytes,
                          const ArchiveLimits& limits) {
  uint64_t stored = 0;
  uint64_t deflated = 0;
  const uint64_t max_deflated = static_cast<uint64_t>(limits.max_deflated_bytes);
  for (const Record& record : records) {
    const std::string what = absl::StrCat("is refused: its record '", record.name, "' ");
    if (LeavesArchive(record.name)) {
      return Invalid(path, absl::StrCat(what, "has a name that leads out of the archive"));
    }
    // One by one, so that no sum can overflow.
    if (record.stored_bytes > file_bytes - std::min(stored, file_bytes)) {
      return Invalid(path, absl::StrCat(what, "overlaps others or is longer than the file"));
    }
    stored += record.stored_bytes;
    if (record.compression == ZIP_CM_STORE) {
      if (record.bytes == record.stored_bytes) continue;
      return Invalid(path, absl::StrCat(what, "has ", record.stored_bytes, " bytes and claims ",
                                        record.bytes));
    }
    if (record.compression != ZIP_CM_DEFLATE || !IsCode(record)) {
      return Invalid(path, absl::StrCat(what,
                                        "is compressed, which torch does with code alone; "
                                        "do not zip a model again",
                                        kSaveAgain));
    }
    if (record.bytes > max_deflated - deflated) {
      return Invalid(path, absl::StrCat(what, "takes the compressed records over the limit of ",
                                        max_deflated, " bytes unpacked"));
    }
    deflated += record.bytes;
  }
  return absl::OkStatus();
}

// Whether some record's name, without its root, begins and ends so.
bool Has(const Records& records, absl::string_view prefix, absl::string_view suffix) {
  return std::any_of(records.begin(), records.end(), [&](const Record& record) {
    const absl::string_view name = WithoutRoot(record.name);
    return absl::StartsWith(name, prefix) && absl::EndsWith(name, suffix);
  });
}

absl::StatusOr<ArchiveKind> Classify(const std::string& path, const Records& records) {
  if (Has(records, "data/aotinductor/", "")) return ArchiveKind::kAotInductor;
  if (std::any_of(records.begin(), records.end(), IsCode) && Has(records, "constants.pkl", "")) {
    return ArchiveKind::kTorchScript;
  }
  if (Has(records, "models/", ".json") || Has(records, "serialized_exported_program", ".json")) {
    return Invalid(path, absl::StrCat("is a torch.export package that holds a graph, not compiled "
                                      "code: it cannot be run without Python",
                                      kSaveAgain));
  }
  if (Has(records, "data.pkl", "")) {
    return Invalid(path, absl::StrCat("was written by torch.save: it holds a state_dict or Python "
                                      "objects, no program that could be run",
                                      kSaveAgain));
  }
  return Invalid(path, absl::StrCat("is a zip archive, but holds no model", kSaveAgain));
}

}  // namespace

absl::StatusOr<ArchiveKind> InspectArchive(const std::string& path, const ArchiveLimits& limits) {
  TORCHERE_ASSIGN_OR_RETURN(const uint64_t file_bytes, FileBytes(path));
  TORCHERE_ASSIGN_OR_RETURN(const Records records, ReadDirectory(path));
  TORCHERE_RETURN_IF_ERROR(CheckRecords(path, records, file_bytes, limits));
  return Classify(path, records);
}

}  // namespace torchere
