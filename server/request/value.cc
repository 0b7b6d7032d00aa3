// SPDX-License-Identifier: Apache-2.0
#include "server/request/value.h"

#include <array>

namespace torchere {

absl::string_view KindName(const Value& value) {
  // In the order of the variant's alternatives.
  static constexpr std::array<absl::string_view, 8> kNames = {
      "null", "a tensor", "text", "an int", "a float", "a bool", "a list", "a map"};
  static_assert(std::variant_size_v<decltype(Value::kind)> == kNames.size());
  return kNames[value.kind.index()];
}

}  // namespace torchere
