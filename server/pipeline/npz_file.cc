// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/npz_file.h"

#include <zip.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <regex>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/status_macros.h"

namespace torchere {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{256} << 20;
// NumPy writes 128.
constexpr size_t kMaxHeaderBytes = 1024;
constexpr absl::string_view kMagic("\x93NUMPY", 6);

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;

std::optional<DType> DTypeOf(absl::string_view descr) {
  static constexpr std::array<std::pair<absl::string_view, DType>, 9> kDTypes = {
      {{"|b1", DType::kBool},
       {"|u1", DType::kUint8},
       {"|i1", DType::kInt8},
       {"<i2", DType::kInt16},
       {"<i4", DType::kInt32},
       {"<i8", DType::kInt64},
       {"<f2", DType::kFp16},
       {"<f4", DType::kFp32},
       {"<f8", DType::kFp64}}};
  for (const auto& [name, dtype] : kDTypes) {
    if (name == descr) return dtype;
  }
  return std::nullopt;
}

// "(2, 3)", "(2,)" or "()", without the parentheses.
std::optional<Shape> ShapeOf(absl::string_view text) {
  Shape shape;
  for (const absl::string_view item : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    int64_t dim = 0;
    if (!absl::SimpleAtoi(item, &dim) || dim < 0) return std::nullopt;
    shape.push_back(dim);
  }
  return shape;
}

// An array without its data, of a header such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
absl::StatusOr<Tensor> ParseHeader(const std::string& header) {
  static const std::regex kDescr(R"('descr': *'([^']*)')");
  static const std::regex kOrder(R"('fortran_order': *(True|False))");
  static const std::regex kShape(R"('shape': *\(([^)]*)\))");
  std::smatch descr, order, shape;
  if (!std::regex_search(header, descr, kDescr) || !std::regex_search(header, order, kOrder) ||
      !std::regex_search(header, shape, kShape)) {
    return absl::InvalidArgumentError("its header is not one that NumPy writes for an array");
  }
  const auto dtype = DTypeOf(descr[1].str());
  if (!dtype) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown dtype '", descr[1].str(),
                     "'; known are bool, uint8, int8 to int64 and float16 to float64, "
                     "little-endian"));
  }
  if (order[1] == "True") {
    return absl::InvalidArgumentError(
        "it is in Fortran order; save numpy.ascontiguousarray(array)");
  }
  const auto dims = ShapeOf(shape[1].str());
  if (!dims) return absl::InvalidArgumentError("its header has no readable shape");
  return Tensor{*dtype, *dims, {}};
}

// A whole .npy file.
absl::StatusOr<Tensor> ParseNpy(std::string file) {
  const auto byte = [&file](size_t i) {
    return static_cast<size_t>(static_cast<uint8_t>(file[i]));
  };
  if (file.size() < 12 || !absl::StartsWith(file, kMagic)) {
    return absl::InvalidArgumentError("it is no array of NumPy's");
  }
  const size_t start = byte(6) == 1 ? 10 : 12;
  const size_t length =
      byte(8) | byte(9) << 8 | (start == 12 ? byte(10) << 16 | byte(11) << 24 : 0);
  if (length > kMaxHeaderBytes || start + length > file.size()) {
    return absl::InvalidArgumentError("its header is truncated or too long");
  }
  TORCHERE_ASSIGN_OR_RETURN(Tensor tensor, ParseHeader(file.substr(start, length)));
  file.erase(0, start + length);
  const auto size = ByteSize(tensor.dtype, tensor.shape);
  if (!size || static_cast<uint64_t>(*size) != file.size()) {
    return absl::InvalidArgumentError(absl::StrCat("it has ", file.size(), " bytes of data, which ",
                                                   "its shape ", ShapeText(tensor.shape),
                                                   " does not take"));
  }
  tensor.data = Bytes(std::move(file));
  return tensor;
}

absl::StatusOr<std::string> ReadRecord(zip_t* archive, zip_uint64_t index, uint64_t bytes) {
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(zip_fopen_index(archive, index, 0),
                                                                &zip_fclose);
  std::string content(bytes, '\0');
  char more = 0;
  // libzip looks at the checksum when it meets the end.
  if (file == nullptr ||
      zip_fread(file.get(), content.data(), bytes) != static_cast<zip_int64_t>(bytes) ||
      zip_fread(file.get(), &more, 1) != 0) {
    return absl::InvalidArgumentError("it is damaged");
  }
  return content;
}

}  // namespace

absl::StatusOr<NamedValues> ReadNpz(const std::string& path) {
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) {
    return absl::NotFoundError(absl::StrCat("'", path, "' does not exist"));
  }
  int error = 0;
  const Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &error), &zip_discard);
  if (archive == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' is no .npz file; write it with numpy.savez"));
  }
  NamedValues values;
  uint64_t left = kMaxBytes;
  const auto count = static_cast<zip_uint64_t>(zip_get_num_entries(archive.get(), 0));
  for (zip_uint64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    if (zip_stat_index(archive.get(), i, 0, &stat) != 0 || stat.size > left) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "' is damaged, or has more than 256 MiB"));
    }
    left -= stat.size;
    const std::string name(absl::StripSuffix(stat.name, ".npy"));
    absl::StatusOr<std::string> content = ReadRecord(archive.get(), i, stat.size);
    absl::StatusOr<Tensor> tensor = content.ok() ? ParseNpy(*std::move(content)) : content.status();
    if (!tensor.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "': array '", name, "': ", tensor.status().message()));
    }
    values.push_back({name, {*std::move(tensor)}});
  }
  return values;
}

}  // namespace torchere
