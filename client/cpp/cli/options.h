// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/cpp/cli/console.h"

namespace torchere::cli {

// NAME=VALUE or NAME=FILE of a command line.
struct Assignment {
  std::string name;
  std::string text;
};

// NAME=N,N,… of a command line.
struct Shape {
  std::string name;
  std::vector<int64_t> lengths;
};

// What was typed.
struct Options {
  enum class Command { kPredict, kBench, kStatus, kSignature };

  Command command = Command::kStatus;
  // Of all commands.
  std::string server = "127.0.0.1:8500";
  double timeout_s = 30;
  bool json = false;
  // Which model; empty for the status of all.
  std::string model;
  std::optional<int64_t> version;
  std::string label;
  // Of predict and bench.
  std::vector<Assignment> inputs;
  std::string method = "forward";
  std::vector<std::string> outputs;
  // Of predict.
  int64_t top = 3;
  // Output's name and the .npy file that it goes to.
  std::vector<Assignment> saves;
  // Of bench.
  int concurrency = 16;
  std::optional<double> rate;
  double duration_s = 10;
  std::optional<int64_t> requests;
  std::optional<int64_t> rows;
  std::vector<Shape> shapes;
};

inline constexpr int kSuccess = 0;
// An answer that is an error, or none.
inline constexpr int kFailure = 1;
// A command line that makes no sense.
inline constexpr int kWrongUsage = 2;

// Reads the command line, and TORCHERE_SERVER from the environment. For --help and
// --version, and for wrong usage, it prints what is to be said and gives the exit
// code.
std::variant<Options, int> ParseOptions(int argc, const char* const* argv, Console& console);

}  // namespace torchere::cli
