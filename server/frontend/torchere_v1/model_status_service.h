// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/admission/gate.h"
#include "server/frontend/grpc/method.h"
#include "server/registry/registry.h"

namespace torchere {

// torchere.v1.ModelStatusService: what the registry knows, as messages.
// Adds its methods to the table; all arguments must outlive the table.
void AddModelStatusService(const Registry& registry, Gate& gate, MethodTable& methods);

}  // namespace torchere
