// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "server/request/signature.h"
#include "tests/support/in_process.h"

namespace torchere {

// Of x and a mask, both [rows, length]: x plus, in each row, the sum of what the mask
// lets through; of all where it is not `masked`.
inline Tensor MaskedSum(const Arguments& arguments, bool masked = true) {
  const Tensor& x = std::get<Tensor>(arguments[0]->kind);
  std::vector<float> items = Floats(*arguments[0]);
  const std::vector<float> mask = Floats(*arguments[1]);
  const auto length = static_cast<size_t>(x.shape[1]);
  for (size_t row = 0; row < items.size(); row += length) {
    float sum = 0;
    for (size_t i = row; i < row + length; ++i) sum += masked ? items[i] * mask[i] : items[i];
    for (size_t i = row; i < row + length; ++i) items[i] += sum;
  }
  Tensor output = FloatTensor(items);
  output.shape = x.shape;
  return output;
}

}  // namespace torchere
