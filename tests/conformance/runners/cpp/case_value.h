// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "torchere/value.h"

namespace torchere {

using Json = nlohmann::json;

// The value of a case's VALUE. Throws std::exception where it is none.
Value ValueOf(const Json& json);

// Whether two values are equal bit by bit and of one kind; NaN equals NaN, and a
// map's order does not count.
bool Same(const Value& one, const Value& other);

// A value on one line that is not too long.
std::string Brief(const Value& value);
std::string Brief(std::string text);

}  // namespace torchere
