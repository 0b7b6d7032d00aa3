// SPDX-License-Identifier: Apache-2.0
#include "server/app/process.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace torchere {
namespace {

// The signals that end the server, and the one that ends ExitOnSignal's wait.
sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  return signals;
}

timespec ToTimespec(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {seconds.count(), (time - seconds).count()};
}

std::string Name(int signal) { return signal == SIGTERM ? "SIGTERM" : "SIGINT"; }

}  // namespace

void PrepareProcess() {
  // Large activations and messages would else go back to the kernel after each
  // run and be faulted in again, page by page, at the next.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = EndSignals();
  // Every thread that is made from now on inherits it.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

std::string WaitForSignal() {
  const sigset_t signals = EndSignals();
  int number = 0;
  do {
    sigwait(&signals, &number);
  } while (number == SIGUSR1);
  return Name(number);
}

ExitOnSignal::ExitOnSignal(int exit_code, std::optional<std::chrono::nanoseconds> time,
                           Running running)
    : thread_([exit_code, time, running = std::move(running)] {
        const sigset_t signals = EndSignals();
        const timespec wait = ToTimespec(time.value_or(std::chrono::nanoseconds(0)));
        int signal = 0;
        do {
          signal = time ? sigtimedwait(&signals, nullptr, &wait) : sigwaitinfo(&signals, nullptr);
        } while (signal < 0 && errno == EINTR);
        if (signal == SIGUSR1) return;
        const std::string what = running ? running() : "";
        spdlog::warn("ending at once: {}{}{}",
                     signal < 0 ? "what is running has not ended in time" : Name(signal),
                     what.empty() ? "" : ": ", what);
        std::_Exit(exit_code);
      }) {}

ExitOnSignal::~ExitOnSignal() {
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

}  // namespace torchere
