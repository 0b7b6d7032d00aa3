// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
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
// cannot be stopped in any other way. `running` says, for the log, what still ran; it is
// called on another thread.
class ExitOnSignal {
 public:
  using Running = std::function<std::string()>;

  explicit ExitOnSignal(int exit_code, std::optional<std::chrono::nanoseconds> time = std::nullopt,
                        Running running = nullptr);
  ~ExitOnSignal();

 private:
  std::jthread thread_;
};

}  // namespace torchere
