// SPDX-License-Identifier: Apache-2.0
#include "server/backend/archive.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/backend/zip_file.h"

namespace torchere {
namespace {

// What torch.jit.save writes, as far as names and compression go.
const std::vector<ZipRecord> kTorchScript = {
    {"m/data.pkl"},
    {"m/code/__torch__.py", std::string(1000, 'c'), ZIP_CM_DEFLATE},
    {"m/code/__torch__.py.debug_pkl", std::string(1000, 'd'), ZIP_CM_DEFLATE},
    {"m/constants.pkl"},
    {"m/data/0", std::string(64, '\1')},
    {"m/version"}};

std::vector<ZipRecord> With(std::vector<ZipRecord> records, const ZipRecord& record) {
  records.push_back(record);
  return records;
}

std::string WriteArchive(const TempFolder& folder, const std::vector<ZipRecord>& records) {
  return WriteZip(folder.Path("model.pt"), records);
}

// Whether the file is refused with a text that names it and says `what`.
void CheckRefused(const std::string& path, const std::string& what,
                  const ArchiveLimits& limits = {}) {
  const absl::Status status = InspectArchive(path, limits).status();
  CAPTURE(status.ToString());
  CHECK(absl::IsInvalidArgument(status));
  CHECK(absl::StrContains(status.message(), path));
  CHECK(absl::StrContains(status.message(), what));
}

TEST_CASE("InspectArchive tells kinds of models apart by what they hold", "[backend]") {
  const TempFolder folder;
  SECTION("torch.jit.save") {
    const auto kind = InspectArchive(WriteArchive(folder, kTorchScript));
    REQUIRE(kind.ok());
    CHECK(*kind == ArchiveKind::kTorchScript);
  }
  SECTION("aoti_compile_and_package") {
    const auto kind = InspectArchive(
        WriteArchive(folder, {{"m/archive_format"}, {"m/data/aotinductor/model/abc.wrapper.so"}}));
    REQUIRE(kind.ok());
    CHECK(*kind == ArchiveKind::kAotInductor);
  }
}

TEST_CASE("InspectArchive says what a file is that is no model", "[backend]") {
  const TempFolder folder;
  SECTION("an empty file") { CheckRefused(folder.Write("model.pt"), "is empty"); }
  SECTION("a Git LFS pointer") {
    CheckRefused(folder.Write("model.pt",
                              "version https://git-lfs.github.com/spec/v1\n"
                              "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d"
                              "17e2393\nsize 12345\n"),
                 "git lfs pull");
  }
  SECTION("a state_dict") {
    CheckRefused(WriteArchive(folder, {{"m/data.pkl"}, {"m/data/0"}, {"m/version"}}), "state_dict");
  }
  SECTION("a pickle of before torch 1.6") {
    CheckRefused(folder.Write("model.pt", "\x80\x02\x8a\x0alF"), "pickle");
  }
  SECTION("a torch.export package") {
    CheckRefused(WriteArchive(folder, {{"m/archive_format"}, {"m/models/model.json"}}),
                 "torch.export");
  }
  SECTION("a torch.export file of torch 2.7") {
    CheckRefused(WriteArchive(folder, {{"version"}, {"serialized_exported_program.json"}}),
                 "torch.export");
  }
  SECTION("another zip archive") {
    CheckRefused(WriteArchive(folder, {{"readme.txt"}}), "holds no model");
  }
  SECTION("text") { CheckRefused(folder.Write("model.pt", "hello"), "no zip file"); }
  SECTION("a folder") { CheckRefused(folder.Path(), "is not a file"); }
}

TEST_CASE("InspectArchive calls a file truncated wherever it was cut", "[backend]") {
  const TempFolder folder;
  const std::string path = WriteArchive(folder, kTorchScript);
  const auto whole = std::filesystem::file_size(path);
  const auto kept = GENERATE_COPY(whole / 4, whole / 2, whole - 30, whole - 1);
  std::filesystem::resize_file(path, kept);
  CheckRefused(path, "is truncated");
}

TEST_CASE("InspectArchive finds no file where there is none", "[backend]") {
  const TempFolder folder;
  const absl::Status status = InspectArchive(folder.Path("absent.pt")).status();
  CHECK(absl::IsNotFound(status));
  CHECK(absl::StrContains(status.message(), "absent.pt"));
}

TEST_CASE("InspectArchive refuses records that would unpack to more than they are", "[backend]") {
  const TempFolder folder;
  SECTION("a deflated record that is not code") {
    CheckRefused(WriteArchive(folder, With(kTorchScript, {"m/data/1", std::string(1 << 20, '\0'),
                                                          ZIP_CM_DEFLATE})),
                 "'m/data/1' is compressed");
  }
  SECTION("deflated code over the limit") {
    CheckRefused(WriteArchive(folder, With(kTorchScript, {"m/code/bomb.py", std::string(1000, ' '),
                                                          ZIP_CM_DEFLATE})),
                 "'m/code/bomb.py' takes", {.max_deflated_bytes = 2999});
  }
  SECTION("but not deflated code up to the limit") {
    CHECK(InspectArchive(WriteArchive(folder, kTorchScript), {.max_deflated_bytes = 2000}).ok());
  }
}

// Changes the last occurrence of `from`, which is in the central directory.
void Patch(const std::string& path, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  std::string bytes;
  {
    std::ifstream file(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  const size_t at = bytes.rfind(from);
  REQUIRE(at != std::string::npos);
  bytes.replace(at, to.size(), to);
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_CASE("InspectArchive refuses lengths that the file cannot have", "[backend]") {
  const TempFolder folder;
  // 0x5678 bytes, so that the length can be found among the directory's bytes.
  const std::string path =
      WriteArchive(folder, With(kTorchScript, {"m/data/9", std::string(0x5678, '\3')}));
  const std::string length("\x78\x56\0\0", 4);
  SECTION("unpacked more than stored") {
    Patch(path, length, std::string("\x78\x56\0\x40", 4));
    CheckRefused(path, "claims");
  }
  SECTION("stored more than the file has") {
    Patch(path, length + length, std::string("\x78\x56\0\x40\x78\x56\0\x40", 8));
    CheckRefused(path, "'m/data/9'");
  }
}

TEST_CASE("InspectArchive refuses names that lead out of the archive", "[backend]") {
  const TempFolder folder;
  const std::string name =
      GENERATE("m/data/../../../etc/passwd", "../x", "/etc/passwd", "m\\..\\x", "m/..");
  CheckRefused(WriteArchive(folder, With(kTorchScript, {name})), "leads out");
}

TEST_CASE("InspectArchive takes names that only look as if they led out", "[backend]") {
  const TempFolder folder;
  CHECK(InspectArchive(WriteArchive(folder, With(kTorchScript, {"m/data/a..b"}))).ok());
}

}  // namespace
}  // namespace torchere
