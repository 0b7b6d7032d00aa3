// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>

namespace torchere {

// Another message, near to `wire`: fields left out, repeated, moved, copied from
// elsewhere in it, renumbered, retyped, written longer than need be, put into
// groups; numbers and texts at the edges of what is legal; and torn bytes. Lengths
// are kept right but for those.
std::string MutateWire(const std::string& wire, std::mt19937& random);

}  // namespace torchere
