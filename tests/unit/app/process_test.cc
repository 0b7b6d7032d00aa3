// SPDX-License-Identifier: Apache-2.0
#include "server/app/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/support/catch.h"

namespace torchere {
namespace {

// Runs `body` as a process of its own, that is told SIGTERM when `body` calls
// its argument; its exit status, or -1 if a signal ended it.
int StatusOf(const std::function<void(std::function<void()>)>& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    PrepareProcess();
    body([] { kill(getpid(), SIGTERM); });
    _exit(7);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

constexpr std::chrono::seconds kLong(3600);

TEST_CASE("A signal waits until it is looked at", "[app]") {
  CHECK(StatusOf([](const auto& terminate) {
          terminate();
          _exit(WaitForSignal() == "SIGTERM" ? 0 : 1);
        }) == 0);
}

TEST_CASE("ExitOnSignal ends the process on a signal, with the exit code given", "[app]") {
  CHECK(StatusOf([](const auto& terminate) {
          const ExitOnSignal exit_on_signal(3);
          terminate();
          pause();
        }) == 3);
  CHECK(StatusOf([](const auto& terminate) {
          const ExitOnSignal exit_on_signal(4, kLong);
          terminate();
          pause();
        }) == 4);
}

TEST_CASE("ExitOnSignal ends the process at the end of its time", "[app]") {
  CHECK(StatusOf([](const auto&) {
          const ExitOnSignal exit_on_signal(5, std::chrono::nanoseconds(1));
          pause();
        }) == 5);
}

TEST_CASE("ExitOnSignal asks what still runs before it ends the process", "[app]") {
  CHECK(StatusOf([](const auto&) {
          const ExitOnSignal exit_on_signal(5, std::chrono::nanoseconds(1),
                                            []() -> std::string { _exit(6); });
          pause();
        }) == 6);
}

TEST_CASE("ExitOnSignal leaves the signals that come after it to others", "[app]") {
  CHECK(StatusOf([](const auto& terminate) {
          { const ExitOnSignal exit_on_signal(3, kLong); }
          { const ExitOnSignal exit_on_signal(3); }
          terminate();
          _exit(WaitForSignal() == "SIGTERM" ? 0 : 1);
        }) == 0);
}

}  // namespace
}  // namespace torchere
