// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "server/app/app.h"

namespace torchere {

// Drains the server and ends it; the exit status of the process: 0, or 3 where a
// device was lost. A run that hangs cannot be stopped: at the end of the drain's time,
// or on a second signal, the process ends in here, with 1 (or 3), and the log names
// what still ran.
int End(std::unique_ptr<App> app);

}  // namespace torchere
