// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace torchere {

struct ModuleOptions {
  // A float tensor attribute "weight" of the values 1, 2, 3; it is a parameter.
  bool weight = false;
  // An int64 tensor attribute "calls" of the value [0].
  bool calls = false;
  // The attribute "training", saved as true.
  bool training = false;
};

// Compiles the methods in `source`, TorchScript's Python, and saves the module to
// the file `path`, which it returns.
std::string SaveModule(const std::string& path, const std::string& source,
                       const ModuleOptions& options = {});

}  // namespace torchere
