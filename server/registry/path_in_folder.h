// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/registry/yaml_value.h"

namespace torchere {

// The path of the file that `value` names, beside the YAML file it stands in.
//
//   INVALID_ARGUMENT  it leads out of that folder, also by a link: a model's
//                     author must not have the server read other files
absl::StatusOr<std::string> PathInFolder(const YamlValue& value);

}  // namespace torchere
