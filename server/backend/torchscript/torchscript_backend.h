// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "server/backend/backend.h"

namespace torchere {

// Runs archives of torch.jit.save with LibTorch. Loads one model at a time; a
// model that keeps state from run to run shares it between all its callers.
// ConfigureTorchRuntime comes first.
std::unique_ptr<Backend> MakeTorchScriptBackend();

}  // namespace torchere
