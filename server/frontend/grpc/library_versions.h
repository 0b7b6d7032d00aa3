// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace torchere {

// "1.51.1": of the library that is loaded.
std::string GrpcVersion();

// "3.21.12": of the release that this program was built with.
std::string ProtobufVersion();

}  // namespace torchere
