// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <thread>

namespace torchere {

// Settings of the process that must be made before anything else in it: how
// malloc keeps memory, how many files may be open, which signals wait.
void PrepareProcess();

// Waits for SIGTERM or SIGINT, which PrepareProcess has put off; says which.
std::string WaitForSignal();

// Ends the process if it has not ended by itself `time` and two seconds after
// this was made, or when a second signal comes: a model that hangs cannot be
// stopped in any other way.
class ExitDeadline {
 public:
  explicit ExitDeadline(std::chrono::seconds time);
  ~ExitDeadline();

 private:
  std::jthread thread_;
};

}  // namespace torchere
