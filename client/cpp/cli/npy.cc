// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/npy.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/cli/file.h"
#include "client/cpp/cli/npy_header.h"

namespace torchere::cli {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

// NumPy pads the header so that the items begin at a multiple of this.
constexpr size_t kAlignment = 64;

struct Row {
  std::string_view kind;
  DataType dtype;
};

// A descr without its byte order.
constexpr std::array<Row, 9> kRows = {{{"b1", DataType::kBool},
                                       {"u1", DataType::kUint8},
                                       {"i1", DataType::kInt8},
                                       {"i2", DataType::kInt16},
                                       {"i4", DataType::kInt32},
                                       {"i8", DataType::kInt64},
                                       {"f2", DataType::kFp16},
                                       {"f4", DataType::kFp32},
                                       {"f8", DataType::kFp64}}};

struct Descr {
  DataType dtype;
  bool big_endian;
};

absl::StatusOr<Descr> ParseDescr(const std::string& descr) {
  const std::string_view text = descr;
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) {
    return !text.empty() && text.substr(1) == r.kind;
  });
  if (row == kRows.end() || std::string_view("<>|=").find(text[0]) == std::string_view::npos ||
      (text[0] == '|' && ItemBytes(row->dtype) > 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the dtype '", descr,
        "' cannot be sent; these can: bool, uint8, int8, int16, int32, int64, float16, float32, "
        "float64"));
  }
  return Descr{.dtype = row->dtype, .big_endian = text[0] == '>'};
}

// Takes `count` bytes from the front, as a little-endian number.
std::optional<uint32_t> TakeNumber(std::string_view& bytes, size_t count) {
  if (bytes.size() < count) return std::nullopt;
  uint32_t number = 0;
  for (size_t i = 0; i < count; ++i) {
    number |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  bytes.remove_prefix(count);
  return number;
}

// Takes all before the items from the front.
absl::StatusOr<NpyHeader> TakeHeader(std::string_view& bytes) {
  if (!bytes.starts_with(kMagic)) {
    return absl::InvalidArgumentError("not a .npy file: it does not begin as one");
  }
  bytes.remove_prefix(kMagic.size());
  const std::optional<uint32_t> major = TakeNumber(bytes, 1);
  const std::optional<uint32_t> minor = TakeNumber(bytes, 1);
  if (!major || !minor) return absl::InvalidArgumentError("the file ends in its header");
  if (*major < 1 || *major > 3 || *minor != 0) {
    return absl::InvalidArgumentError(absl::StrCat("version ", *major, ".", *minor,
                                                   " of the .npy format is not known; 1.0 to 3.0 "
                                                   "are"));
  }
  const std::optional<uint32_t> size = TakeNumber(bytes, *major == 1 ? 2 : 4);
  if (!size || *size > bytes.size()) {
    return absl::InvalidArgumentError("the file ends in its header");
  }
  const std::string_view text = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return ParseNpyHeader(text);
}

void SwapBytes(std::vector<std::byte>& data, int64_t item_bytes) {
  for (auto item = data.begin(); item != data.end(); item += item_bytes) {
    std::reverse(item, item + item_bytes);
  }
}

// From the first index running fastest to the last index running fastest.
std::vector<std::byte> ToRowMajor(const std::vector<std::byte>& data,
                                  const std::vector<int64_t>& shape, int64_t item_bytes) {
  std::vector<std::byte> result(data.size());
  std::vector<int64_t> index(shape.size(), 0);
  for (auto to = result.begin(); to != result.end(); to += item_bytes) {
    int64_t offset = 0;
    for (size_t d = shape.size(); d-- > 0;) offset = offset * shape[d] + index[d];
    const auto from = data.begin() + offset * item_bytes;
    std::copy(from, from + item_bytes, to);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
  return result;
}

std::string DescrOf(DataType dtype) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [dtype](const Row& r) { return r.dtype == dtype; });
  if (row == kRows.end()) return "";
  return absl::StrCat(ItemBytes(dtype) == 1 ? "|" : "<", std::string(row->kind));
}

}  // namespace

absl::StatusOr<Tensor> ParseNpy(std::string_view bytes) {
  absl::StatusOr<NpyHeader> header = TakeHeader(bytes);
  if (!header.ok()) return header.status();
  const absl::StatusOr<Descr> descr = ParseDescr(header->descr);
  if (!descr.ok()) return descr.status();
  const int64_t item_bytes = ItemBytes(descr->dtype);
  const absl::StatusOr<int64_t> count = ItemCount(header->shape);
  if (!count.ok()) return count.status();
  const auto size = static_cast<int64_t>(bytes.size());
  if (size % item_bytes != 0 || size / item_bytes != *count) {
    return absl::InvalidArgumentError(
        absl::StrCat("the shape ", ShapeText(header->shape), " has ", *count, " items of ",
                     item_bytes, " bytes each, but ", size, " bytes follow the header"));
  }
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  std::vector<std::byte> data(begin, begin + size);
  if (descr->big_endian) SwapBytes(data, item_bytes);
  if (header->fortran_order) data = ToRowMajor(data, header->shape, item_bytes);
  return Tensor::Create(descr->dtype, std::move(header->shape), std::move(data));
}

absl::StatusOr<std::string> FormatNpy(const Tensor& tensor) {
  const std::string descr = DescrOf(tensor.dtype());
  if (descr.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "NumPy has no dtype for ", DataTypeName(tensor.dtype()), "; --output=json shows it"));
  }
  std::string shape = "(";
  for (const int64_t length : tensor.shape()) absl::StrAppend(&shape, length, ", ");
  std::string header =
      absl::StrCat("{'descr': '", descr, "', 'fortran_order': False, 'shape': ", shape, "), }");
  // Before it stand the magic, two bytes of version and two of its size; after
  // it a line's end.
  const size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header.push_back('\n');
  if (header.size() > UINT16_MAX) return absl::InvalidArgumentError("the shape is too long");
  std::string result(kMagic);
  result.append({'\x01', '\x00', static_cast<char>(header.size() & 0xff),
                 static_cast<char>(header.size() >> 8)});
  result.append(header);
  result.append(reinterpret_cast<const char*>(tensor.data().data()), tensor.data().size());
  return result;
}

absl::StatusOr<Tensor> LoadNpy(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Tensor> tensor = ParseNpy(*bytes);
  if (tensor.ok()) return tensor;
  return absl::Status(tensor.status().code(),
                      absl::StrCat("file '", path, "': ", tensor.status().message()));
}

absl::Status SaveNpy(const std::string& path, const Tensor& tensor) {
  const absl::StatusOr<std::string> bytes = FormatNpy(tensor);
  if (!bytes.ok()) return bytes.status();
  return WriteFile(path, *bytes);
}

}  // namespace torchere::cli
