// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/request/device.h"

namespace torchere {

// --model=NAME=FILE
struct ModelFlag {
  std::string name;
  std::string path;
};

// What the command line says, checked as far as it can be without opening
// anything.
struct Config {
  // A repository, DIR/<name>/<version>/model.pt; empty where there is none.
  std::string models_dir;
  std::vector<ModelFlag> models;
  // Where models run; empty: every CUDA device, else the CPU.
  std::vector<Device> devices;
  std::string listen = "127.0.0.1:8500";
  // Listens on what is not loopback, though nothing is encrypted or protected.
  bool insecure = false;
  // HOST:PORT where health alone is answered; empty: nowhere.
  std::string health_listen;
  int max_connections = 1024;
  int64_t max_message_bytes = int64_t{64} << 20;
  int64_t max_requests_in_flight = 4096;
  int64_t max_bytes_in_flight = 0;
  Duration drain_timeout = std::chrono::seconds(30);
  // After so long a run may count as hanging; zero: none ever does.
  Duration hang_after = std::chrono::seconds(60);
};

// What a command line asks for.
struct CommandLine {
  // Nothing where the whole answer is `text`: --help, --version.
  std::optional<Config> config;
  std::string text;
};

// Reads the flags. `version` gives what --version answers.
//
//   INVALID_ARGUMENT  an unknown flag, a value out of bounds, two models of one
//                     name, no model at all, what is no device; one line
absl::StatusOr<CommandLine> ParseCommandLine(int argc, const char* const* argv,
                                             const std::function<std::string()>& version);

}  // namespace torchere
