// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <thread>

namespace torchere {

// Settings of the process that must be made before anything else in it: how
// malloc keeps memory, how many files may be open, which signals wait.
void PrepareProcess();

// Waits for SIGTERM or SIGINT, which PrepareProcess has put off; says which.
std::string WaitForSignal();

// While it lives, SIGTERM or SIGINT ends the process at once, with `exit_code`,
// and so does the end of `time`, where one is given: a load or a run that hangs
// cannot be stopped in any other way.
class ExitOnSignal {
 public:
  explicit ExitOnSignal(int exit_code, std::optional<std::chrono::seconds> time = std::nullopt);
  ~ExitOnSignal();

 private:
  std::jthread thread_;
};

}  // namespace torchere
