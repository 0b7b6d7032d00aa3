// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace torchere::cli {

// What a .npy file's header says: a Python dict of exactly these three.
struct NpyHeader {
  // "<f4": byte order, kind, bytes an item.
  std::string descr;
  bool fortran_order = false;
  // Nothing in it is negative.
  std::vector<int64_t> shape;
};

// Reads the dict, strictly: no other Python than the literals that NumPy writes.
//
//   INVALID_ARGUMENT  anything else, a key missing or twice, records
absl::StatusOr<NpyHeader> ParseNpyHeader(std::string_view text);

}  // namespace torchere::cli
