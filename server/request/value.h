// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/request/tensor.h"

namespace torchere {

struct Value;

struct Null {};

// A List or a Tuple.
using List = std::vector<Value>;

// A Dict or a NamedTuple, in order; each key once, all of one kind.
using MapKey = std::variant<std::string, int64_t>;
struct MapEntry;
using Map = std::vector<MapEntry>;

// Whatever a model takes or returns: torchere.v1.Value.
struct Value {
  std::variant<Null, Tensor, std::string, int64_t, double, bool, List, Map> kind;
};

struct MapEntry {
  MapKey key;
  Value value;
};

struct NamedValue {
  std::string name;
  Value value;
};
using NamedValues = std::vector<NamedValue>;

// What it is, for messages: "a tensor", "an int", "null".
absl::string_view KindName(const Value& value);

}  // namespace torchere
