// SPDX-License-Identifier: Apache-2.0
#include "server/request/dtype.h"

#include <array>

#include "absl/strings/str_join.h"

namespace torchere {
namespace {

struct Entry {
  absl::string_view name;
  size_t item_size;
};

// Entry i describes the dtype of number i + 1.
constexpr std::array<Entry, 10> kEntries = {{{"BOOL", 1},
                                             {"UINT8", 1},
                                             {"INT8", 1},
                                             {"INT16", 2},
                                             {"INT32", 4},
                                             {"INT64", 8},
                                             {"FP16", 2},
                                             {"BF16", 2},
                                             {"FP32", 4},
                                             {"FP64", 8}}};

const Entry& EntryOf(DType dtype) { return kEntries[static_cast<size_t>(dtype) - 1]; }

}  // namespace

size_t ItemSize(DType dtype) { return EntryOf(dtype).item_size; }

bool IsInteger(DType dtype) { return dtype >= DType::kUint8 && dtype <= DType::kInt64; }

absl::string_view Name(DType dtype) { return EntryOf(dtype).name; }

std::optional<DType> DTypeFromName(absl::string_view name) {
  for (size_t i = 0; i < kEntries.size(); ++i) {
    if (kEntries[i].name == name) return static_cast<DType>(i + 1);
  }
  return std::nullopt;
}

std::optional<DType> DTypeFromNumber(uint64_t number) {
  if (number < 1 || number > kEntries.size()) return std::nullopt;
  return static_cast<DType>(number);
}

std::string KnownDTypes() {
  return absl::StrJoin(kEntries, ", ", [](std::string* out, const Entry& entry) {
    out->append(entry.name.data(), entry.name.size());
  });
}

}  // namespace torchere
