// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/cpp/cli/console.h"

namespace torchere::cli {

// The command line client: does what the arguments say, writes to the console, and
// returns the exit code (options.h).
int Run(int argc, const char* const* argv, Console& console);

}  // namespace torchere::cli
