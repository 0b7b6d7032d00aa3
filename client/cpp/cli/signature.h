// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "torchere/model.h"

namespace torchere::cli {

// Look-ups in a signature.

// The method of that name, or nullptr. Lives as long as the signature.
const MethodSignature* FindMethod(const ModelSignature& signature, const std::string& name);

// The value of that name, or nullptr. Lives as long as `values`.
const ValueSignature* FindValue(const std::vector<ValueSignature>& values, const std::string& name);

// The class names of a method's output; none where there are none, or no method.
std::vector<std::string> LabelsOf(const MethodSignature* method, const std::string& output);

// A command line that calls the method, with an example for each argument that
// must be given.
std::string ExampleCall(const std::string& model, const MethodSignature& method);

}  // namespace torchere::cli
