// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/npz_file.h"

#include <zip.h>

#include <string>
#include <utility>
#include <vector>

#include "server/pipeline/sample_files.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

// An .npy file of version 1.0.
std::string Npy(const std::string& header, const std::string& items) {
  const auto length = static_cast<char>(header.size());
  return std::string("\x93NUMPY\x01\0", 8) + length + '\0' + header + items;
}

std::string Floats(const std::string& shape, size_t count) {
  return Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }\n",
             std::string(count * 4, '\0'));
}

// Writes a zip archive of these records; returns its path.
std::string WriteZip(const TempFolder& folder,
                     const std::vector<std::pair<std::string, std::string>>& records) {
  const std::string path = folder.Path("s.npz");
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  for (const auto& [name, content] : records) {
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    REQUIRE(zip_file_add(archive, name.c_str(), source, 0) >= 0);
  }
  REQUIRE(zip_close(archive) == 0);
  return path;
}

TEST_CASE("ReadNpz reads what NumPy writes, stored or compressed") {
  const std::string file = GENERATE("sample.npz", "sample_compressed.npz");
  const auto values = ReadNpz(std::string(TORCHERE_SOURCE) + "/tests/data/" + file);
  REQUIRE(values.ok());
  REQUIRE(values->size() == 3);
  CHECK((*values)[0].name == "x");
  CHECK(std::get<Tensor>((*values)[0].value.kind).shape == Shape{2, 3});
  CHECK(torchere::Floats((*values)[0].value) == std::vector<float>{0, 1, 2, 3, 4, 5});
  const auto& ids = std::get<Tensor>((*values)[1].value.kind);
  CHECK((*values)[1].name == "ids");
  CHECK(ids.dtype == DType::kInt64);
  CHECK(ids.shape == Shape{2});
  CHECK(std::get<Tensor>((*values)[2].value.kind).shape.empty());
}

TEST_CASE("ReadNpz says what is wrong with a file") {
  const TempFolder folder;
  const auto error_of = [&folder](const std::string& content) {
    const absl::Status status = ReadNpz(WriteZip(folder, {{"x.npy", content}})).status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find("array 'x'") != absl::string_view::npos);
    return std::string(status.message());
  };
  CHECK(ReadNpz(WriteZip(folder, {{"x.npy", Floats("2, 2", 4)}})).ok());
  CHECK(error_of("no array").find("no array of NumPy's") != std::string::npos);
  CHECK(error_of(Floats("2, 2", 3)).find("12 bytes of data, which its shape [2, 2]") !=
        std::string::npos);
  CHECK(error_of(Floats("-2, 2", 4)).find("no readable shape") != std::string::npos);
  CHECK(error_of(Floats("4294967296, 4294967296, 16", 0)).find("does not take") !=
        std::string::npos);
  CHECK(error_of(Floats("2", 2).substr(0, 40)).find("truncated") != std::string::npos);
  CHECK(error_of(Npy("{'descr': '>f4', 'fortran_order': False, 'shape': (), }", "0000"))
            .find("unknown dtype '>f4'") != std::string::npos);
  CHECK(error_of(Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (), }", "0000"))
            .find("ascontiguousarray") != std::string::npos);
  CHECK(error_of(Npy("{'shape': ()}", "")).find("not one that NumPy writes") != std::string::npos);
  CHECK(absl::IsNotFound(ReadNpz(folder.Path("none.npz")).status()));
  CHECK(ReadNpz(folder.Write("t.npz", "text")).status().message().find("no .npz file") !=
        absl::string_view::npos);
}

TEST_CASE("ReadSamples gives a file to each method that takes its inputs") {
  Signature signature;
  for (const char* name : {"forward", "scaled", "other"}) {
    signature.methods.emplace_back().name = name;
    signature.methods.back().inputs.emplace_back().name = name == std::string("other") ? "y" : "x";
  }
  ValueSpec& k = signature.methods[1].inputs.emplace_back();
  k.name = "k";
  k.type.kind = ValueType::Kind::kInt;
  k.has_default = true;
  const TempFolder folder;
  const auto add = [&](const std::string& name, const std::string& content) {
    return WriteZip(folder, {{"x.npy", Floats("3", 3)}, {name, content}});
  };
  SECTION("all that it has must be taken") {
    const auto samples = ReadSamples({WriteZip(folder, {{"x.npy", Floats("3", 3)}})}, signature);
    REQUIRE(samples.ok());
    CHECK(samples->size() == 2);
    CHECK(samples->count(&signature.methods[2]) == 0);
  }
  SECTION("a lone number is an int where one is taken") {
    const std::string seven = Npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }",
                                  std::string("\x7\0\0\0\0\0\0\0", 8));
    const auto samples = ReadSamples({add("k.npy", seven)}, signature);
    REQUIRE(samples.ok());
    REQUIRE(samples->size() == 1);
    CHECK(std::get<int64_t>(samples->at(&signature.methods[1])[0][1]->kind) == 7);
  }
  SECTION("one that no method takes is an error") {
    const absl::Status status = ReadSamples({add("z.npy", Floats("1", 1))}, signature).status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find("is a sample of no method: unknown input 'z'") !=
          absl::string_view::npos);
  }
}

}  // namespace
}  // namespace torchere
