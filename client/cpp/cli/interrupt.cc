// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/interrupt.h"

namespace torchere::cli {
namespace {

// All that a signal's handler may touch.
volatile std::sig_atomic_t was_pressed = 0;

}  // namespace

Interrupt::Interrupt() {
  was_pressed = 0;
  struct sigaction action = {};
  action.sa_handler = [](int) { was_pressed = 1; };
  // Then the default again, which ends the process; calls of the system go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, &before_);
}

Interrupt::~Interrupt() { sigaction(SIGINT, &before_, nullptr); }

bool Interrupt::pressed() const { return was_pressed != 0; }

}  // namespace torchere::cli
