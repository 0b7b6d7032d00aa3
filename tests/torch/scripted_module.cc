// SPDX-License-Identifier: Apache-2.0
#include "tests/torch/scripted_module.h"

#include <torch/script.h>

namespace torchere {

std::string SaveModule(const std::string& path, const std::string& source,
                       const ModuleOptions& options) {
  torch::jit::Module module("__torch__.TestModule");
  if (options.weight) {
    module.register_parameter("weight", at::arange(1, 4, at::kFloat), /*is_buffer=*/false);
  }
  if (options.calls) module.register_buffer("calls", at::zeros({1}, at::kLong));
  if (options.training) module.register_attribute("training", c10::BoolType::get(), true);
  module.define(source);
  module.save(path);
  return path;
}

}  // namespace torchere
