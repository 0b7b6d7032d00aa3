// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

namespace torchere {

// A program that a test runs, with what it writes. Ended with the test.
class Process {
 public:
  // Starts it; argv[0] is its path.
  explicit Process(const std::vector<std::string>& argv);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The first line of its standard output; waits for it. Empty if it ended
  // without one.
  std::string FirstLine();

  void Signal(int number) const;

  // Waits for its end: the exit status, or -1 if a signal ended it.
  int Wait();

  // All that it wrote; after Wait().
  const std::string& out() const { return out_; }
  const std::string& err() const { return err_; }

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int out_fd_ = -1;
  std::string out_, err_;
  std::jthread err_reader_;
};

// Runs a program to its end.
struct Outcome {
  int status;
  std::string out, err;
};
Outcome Run(const std::vector<std::string>& argv);

}  // namespace torchere
