// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

extern char** environ;

namespace torchere {
namespace {

// Reads more of `fd` into `text`; false at its end.
bool ReadSome(int fd, std::string& text) {
  std::array<char, 4096> chunk;
  const ssize_t got = read(fd, chunk.data(), chunk.size());
  if (got <= 0) return false;
  text.append(chunk.data(), static_cast<size_t>(got));
  return true;
}

std::array<int, 2> Pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return ends;
}

}  // namespace

Process::Process(const std::vector<std::string>& argv) {
  const auto out = Pipe(), err = Pipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  if (posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) {
    throw std::runtime_error("cannot start " + argv[0]);
  }
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(err[1]);
  out_fd_ = out[0];
  err_reader_ = std::jthread([this, fd = err[0]] {
    while (ReadSome(fd, err_)) {
    }
    close(fd);
  });
}

Process::~Process() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    Wait();
  }
  close(out_fd_);
}

std::string Process::FirstLine() {
  while (out_.find('\n') == std::string::npos) {
    if (!ReadSome(out_fd_, out_)) return "";
  }
  return out_.substr(0, out_.find('\n'));
}

void Process::Signal(int number) const { kill(pid_, number); }

int Process::Wait() {
  while (ReadSome(out_fd_, out_)) {
  }
  if (err_reader_.joinable()) err_reader_.join();
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Outcome Run(const std::vector<std::string>& argv) {
  Process process(argv);
  const int status = process.Wait();
  return {status, process.out(), process.err()};
}

}  // namespace torchere
