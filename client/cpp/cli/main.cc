// SPDX-License-Identifier: Apache-2.0
// torchere, the command line client.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "client/cpp/cli/console.h"
#include "client/cpp/cli/options.h"
#include "client/cpp/cli/run.h"

int main(int argc, char** argv) {
  // gRPC's own log lines would stand between ours; what fails is said by us.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  torchere::cli::Console console = {.out = std::cout,
                                    .err = std::cerr,
                                    .out_style = torchere::cli::StyleOf(STDOUT_FILENO),
                                    .err_style = torchere::cli::StyleOf(STDERR_FILENO)};
  const int code = torchere::cli::Run(argc, argv, console);
  std::cout.flush();
  // An answer that could not be written is none: a full disk, say.
  if (std::cout.good()) return code;
  std::cerr << "torchere: standard output cannot be written\n";
  return torchere::cli::kFailure;
}
