// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/integration/process.h"
#include "tests/support/catch.h"
#include "torchere/client.h"

namespace torchere {

// Where things are: given by the build.
inline const std::string kServer = TORCHERE_SERVER;
inline const std::string kCli = TORCHERE_CLI;
inline const std::string kSource = TORCHERE_SOURCE;

// "--model=NAME=tests/data/NAME.pt"
inline std::string TestModel(const std::string& name) {
  return "--model=" + name + "=" + kSource + "/tests/data/" + name + ".pt";
}

// The real server on a free port, serving until the test ends.
class Server {
 public:
  // `wrapper` is a command that runs the server: {"/usr/bin/prlimit", …}.
  explicit Server(std::vector<std::string> flags, std::vector<std::string> wrapper = {})
      : process_(Argv(std::move(flags), std::move(wrapper))) {
    ready_ = process_.FirstLine();
    const std::string key = "grpc=";
    const size_t begin = ready_.find(key);
    REQUIRE(begin != std::string::npos);
    target_ = ready_.substr(begin + key.size(), ready_.find(' ', begin) - begin - key.size());
  }

  const std::string& target() const { return target_; }
  const std::string& ready_line() const { return ready_; }
  Process& process() { return process_; }

  Client Connect() const { return *Client::Connect(target_); }

  // Waits until the server has spent a tenth of a second of CPU time from now:
  // the model that was called runs.
  void AwaitBusy() const {
    const long until = CpuTicks() + sysconf(_SC_CLK_TCK) / 10;
    while (CpuTicks() < until) std::this_thread::yield();
  }

  // Peak of its resident memory since it began, in bytes.
  int64_t PeakMemory() const {
    std::ifstream status(Proc("status"));
    std::string key;
    int64_t kilobytes = 0;
    while (status >> key) {
      if (key == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
    }
    FAIL("there is no VmHWM");
    return 0;
  }

  // How many descriptors it holds.
  size_t Descriptors() const {
    const std::filesystem::directory_iterator entries(Proc("fd"));
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

  // Ends it as Kubernetes does; its exit status.
  int Terminate() {
    process_.Signal(SIGTERM);
    return process_.Wait();
  }

 private:
  std::string Proc(const std::string& file) const {
    return "/proc/" + std::to_string(process_.pid()) + "/" + file;
  }

  // User and system time: the 14th and 15th field of /proc/PID/stat (proc(5)).
  long CpuTicks() const {
    std::ifstream stat(Proc("stat"));
    std::string skipped;
    for (int i = 0; i < 13; ++i) stat >> skipped;
    long user = 0, system = 0;
    stat >> user >> system;
    return user + system;
  }

  static std::vector<std::string> Argv(std::vector<std::string> flags,
                                       std::vector<std::string> wrapper) {
    std::vector<std::string> argv = std::move(wrapper);
    argv.insert(argv.end(), {kServer, "--listen=127.0.0.1:0"});
    argv.insert(argv.end(), flags.begin(), flags.end());
    return argv;
  }

  Process process_;
  std::string ready_, target_;
};

}  // namespace torchere
