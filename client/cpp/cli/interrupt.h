// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

namespace torchere::cli {

// While it lives, the first Ctrl-C (SIGINT) does not end the process; the second
// does. One at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Whether Ctrl-C was pressed since.
  bool pressed() const;

 private:
  struct sigaction before_ = {};
};

}  // namespace torchere::cli
