// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace torchere {

// "torchere-server 0.1.0", with the versions of what it stands on and the
// devices that models can run on, a line each.
std::string VersionText();

}  // namespace torchere
