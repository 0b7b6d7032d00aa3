// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/npy.h"

#include <cstdint>
#include <string>
#include <vector>

#include "client/cpp/cli/npy_header.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace torchere::cli {
namespace {

// A file of version 1.0 with that header, and the items' bytes.
std::string File(const std::string& header, const std::string& items, char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes +=
      {major, '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  if (major > 1) bytes += {'\0', '\0'};
  return bytes + header + items;
}

std::string Header(const std::string& descr, const std::string& order, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

template <typename T>
std::vector<T> Items(const Tensor& tensor) {
  const auto items = tensor.As<T>();
  REQUIRE(items.ok());
  return {items->begin(), items->end()};
}

TEST_CASE("a .npy file of each version is read", "[cli]") {
  const char major = GENERATE(1, 2, 3);
  const auto tensor =
      ParseNpy(File(Header("<i2", "False", "(2, 2)"), {1, 0, 2, 0, 3, 0, -1, -1}, major));
  REQUIRE(tensor.ok());
  CHECK(tensor->Description() == "INT16 [2, 2]");
  CHECK(Items<int16_t>(*tensor) == std::vector<int16_t>{1, 2, 3, -1});
}

TEST_CASE("big-endian items become little-endian", "[cli]") {
  const auto tensor = ParseNpy(File(Header(">i4", "False", "(2,)"), {0, 0, 1, 2, -1, -1, -1, -2}));
  REQUIRE(tensor.ok());
  CHECK(Items<int32_t>(*tensor) == std::vector<int32_t>{258, -2});
}

TEST_CASE("Fortran order becomes row-major order", "[cli]") {
  // a[i][j][k] = 100i + 10j + k, the first index running fastest.
  std::string items;
  for (int k = 0; k < 2; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) items += static_cast<char>(100 * i + 10 * j + k);
    }
  }
  const auto tensor = ParseNpy(File(Header("|u1", "True", "(2, 3, 2)"), items));
  REQUIRE(tensor.ok());
  CHECK(Items<uint8_t>(*tensor) ==
        std::vector<uint8_t>{0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121});
  CHECK(ParseNpy(File(Header("<f4", "True", "(0, 3)"), ""))->size() == 0);
  CHECK(ParseNpy(File(Header("|u1", "True", "()"), "a"))->size() == 1);
}

TEST_CASE("each dtype of the wire but BF16 is the same after both ways", "[cli]") {
  const DataType dtype = static_cast<DataType>(GENERATE(1, 2, 3, 4, 5, 6, 7, 9, 10));
  const std::vector<int64_t> shape =
      GENERATE(std::vector<int64_t>{}, std::vector<int64_t>{3}, std::vector<int64_t>{2, 0},
               std::vector<int64_t>{2, 3, 1});
  std::vector<std::byte> data(*ItemCount(shape) * ItemBytes(dtype));
  for (size_t i = 0; i < data.size(); ++i) data[i] = std::byte(i % 2);
  const auto tensor = Tensor::Create(dtype, shape, data);
  const auto bytes = FormatNpy(*tensor);
  REQUIRE(bytes.ok());
  CHECK((bytes->size() - data.size()) % 64 == 0);
  const auto back = ParseNpy(*bytes);
  REQUIRE(back.ok());
  CHECK(back->Description() == tensor->Description());
  CHECK(std::vector(back->data().begin(), back->data().end()) == data);
}

TEST_CASE("BF16 cannot be written", "[cli]") {
  CHECK(absl::IsInvalidArgument(FormatNpy(*Tensor::Of<BFloat16>({0}, {})).status()));
}

TEST_CASE("a malformed .npy file is refused with its reason", "[cli]") {
  const std::string good = Header("<f4", "False", "(1,)");
  const auto [bytes, why] = GENERATE_COPY(table<std::string, std::string>(
      {{"", "not a .npy file"},
       {"PK\x03\x04", "not a .npy file"},
       {"\x93NUMPY", "ends in its header"},
       {File(good, "abcd", 4), "version 4.0"},
       {File(good, "abcd").substr(0, 30), "ends in its header"},
       {File(good, "abc"), "has 1 items of 4 bytes each, but 3 bytes follow"},
       {File(good, "abcdefgh"), "but 8 bytes follow"},
       {File(good, ""), "but 0 bytes follow"},
       {File(Header("<f4", "False", "(-1,)"), ""), "expected a length"},
       {File(Header("<f4", "False", "(4611686018427387904, 4)"), ""), "more items than"},
       {File(Header("<f4", "False", "(4611686018427387904,)"), ""), "bytes follow"},
       {File(Header("<f4", "False", "(99999999999999999999,)"), ""), "expected a length"},
       {File(Header("<u4", "False", "(1,)"), "abcd"), "dtype '<u4'"},
       {File(Header("<c8", "False", "(1,)"), "abcdefgh"), "dtype '<c8'"},
       {File(Header("|V2", "False", "(1,)"), "ab"), "dtype '|V2'"},
       {File(Header("|f4", "False", "(1,)"), "abcd"), "dtype '|f4'"},
       {File(Header("", "False", "(1,)"), "abcd"), "dtype ''"},
       {File(Header("|b1", "False", "(1,)"), "\x02"), "neither 0 nor 1"}}));
  CAPTURE(why);
  const absl::Status status = ParseNpy(bytes).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK_THAT(std::string(status.message()), Catch::Contains(why));
}

TEST_CASE("a .npy header takes Python's literals, whatever their order and spaces", "[cli]") {
  const auto header =
      ParseNpyHeader("{ \"shape\":(3 ,4,),'fortran_order':True , 'descr':'<f4'}   \n");
  REQUIRE(header.ok());
  CHECK(header->descr == "<f4");
  CHECK(header->fortran_order);
  CHECK(header->shape == std::vector<int64_t>{3, 4});
}

TEST_CASE("a .npy header that is not exactly its three keys is refused", "[cli]") {
  const char* text =
      GENERATE("", "{}", "{'descr': '<f4', 'shape': ()}",
               "{'descr': '<f4', 'descr': '<f4', 'fortran_order': True, 'shape': ()}",
               "{'descr': '<f4', 'fortran_order': True, 'shape': (), 'more': 1}",
               "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}",
               "{'descr': '<f4', 'fortran_order': True, 'shape': (3)}",
               "{'descr': '<f4', 'fortran_order': True, 'shape': (3 4)}",
               "{'descr': '<f4', 'fortran_order': True, 'shape': (3,}",
               "{'descr': [('a', '<f4')], 'fortran_order': True, 'shape': ()}",
               "{'descr': '<f\\x34', 'fortran_order': True, 'shape': ()}",
               "{'descr': '<f4', 'fortran_order': True, 'shape': ()} x",
               "{'descr': '<f4' 'fortran_order': True, 'shape': ()}", "{'descr': '<f4, ");
  CAPTURE(text);
  CHECK(absl::IsInvalidArgument(ParseNpyHeader(text).status()));
}

TEST_CASE("a .npy file is saved and loaded by its path", "[cli]") {
  const TempFolder folder;
  const std::string path = folder.Path("a.npy");
  REQUIRE(SaveNpy(path, *Tensor::Of<float>({2}, {1, 2})).ok());
  CHECK(Items<float>(*LoadNpy(path)) == std::vector<float>{1, 2});
}

TEST_CASE("a file that is not there, is a folder or cannot be written is named", "[cli]") {
  const TempFolder folder;
  CHECK(absl::IsNotFound(LoadNpy(folder.Path("none.npy")).status()));
  CHECK(absl::IsNotFound(LoadNpy(folder.Path()).status()));
  CHECK_THAT(std::string(LoadNpy(folder.Path("none.npy")).status().message()),
             Catch::Contains("none.npy"));
  const absl::Status status = SaveNpy(folder.Path("no/such/folder.npy"), Tensor());
  CHECK_THAT(std::string(status.message()), Catch::Contains("folder.npy' cannot be written"));
}

}  // namespace
}  // namespace torchere::cli
