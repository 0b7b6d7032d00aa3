// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "torchere/data_type.h"
#include "torchere/value.h"

namespace torchere {
inline namespace client {

// What really ran.
struct ServedModel {
  std::string name = {};
  int64_t version = 0;
  // Label by which it was asked; empty where it was not.
  std::string label = {};
  // "forward", say; empty in a ModelSignature.
  std::string method = {};
  // SHA-256 of the model's file: "sha256:" and 64 hexadecimal digits.
  std::string digest = {};
};

// Where a version is in its life.
enum class ModelState : int {
  kUnspecified = 0,
  // Known, not yet loading.
  kStart = 10,
  // Being read, prepared and warmed up.
  kLoading = 20,
  // Answers requests.
  kAvailable = 30,
  // Takes no new requests; ends when those it has are answered.
  kUnloading = 40,
  // Not served: unloaded, or failed with an error.
  kEnd = 50,
};

// "AVAILABLE", …; "UNKNOWN" for a number that this client does not know.
std::string ModelStateName(ModelState state);

// One version of a model.
struct ModelVersionStatus {
  // A positive number.
  int64_t version = 0;
  ModelState state = ModelState::kUnspecified;
  // Why it is at END, or, while AVAILABLE, takes no requests for the time being
  // (MODEL_HANGS), with details for DetailsOf; OK where nothing is wrong.
  absl::Status error = {};
  // When the state was entered, by the server's clock.
  std::optional<std::chrono::system_clock::time_point> state_since = {};
  // How long the load took, until AVAILABLE.
  std::optional<std::chrono::nanoseconds> load_time = {};
  // "cpu", "cuda:0".
  std::string device = {};
  // "torchscript".
  std::string backend = {};
  // SHA-256 of the model's file: "sha256:" and 64 hexadecimal digits.
  std::string digest = {};
  // Size of the model's file.
  int64_t file_bytes = 0;
  // The labels that name this version now.
  std::vector<std::string> labels = {};
};

// A model with its versions, newest first.
struct ModelStatus {
  std::string name = {};
  std::vector<ModelVersionStatus> versions = {};
};

// Integers from one to another, both included.
struct IntRange {
  int64_t least = 0;
  int64_t most = 0;
};

// An argument or an output of a method.
struct ValueSignature {
  // "*" for outputs whose names are known only once the method has run.
  std::string name = {};
  // TorchScript's type: "Tensor", "Dict[str, Tensor]", "Optional[int]".
  std::string type = {};
  // Element type of a tensor, where one is declared.
  std::optional<DataType> dtype = {};
  // Shape of a tensor, where one is declared; -1 where any length will do.
  std::optional<std::vector<int64_t>> shape = {};
  // True for an argument that may be left out.
  bool has_default = false;
  // What is taken where it is left out; nothing where there is no default, or
  // one that Value does not have.
  std::optional<Value> default_value = {};
  // Names of the classes, where the last dimension counts classes.
  std::vector<std::string> labels = {};
  // What the integers of an argument must lie in, where it is declared.
  std::optional<IntRange> range = {};
};

// How long one run of a method takes.
struct RunCost {
  int64_t rows = 0;
  std::chrono::nanoseconds time{0};
};

// One method of a model's version.
struct MethodSignature {
  // "forward", say.
  std::string name = {};
  // Both in the method's own order.
  std::vector<ValueSignature> inputs = {};
  std::vector<ValueSignature> outputs = {};
  // Whether requests for it run together, by their rows.
  bool batched = false;
  // By rows, ascending; empty while it has not run.
  std::vector<RunCost> run_costs = {};
};

// How a model's version is called.
struct ModelSignature {
  ServedModel model = {};
  // "forward" first, the others by name.
  std::vector<MethodSignature> methods = {};
};

}  // namespace client
}  // namespace torchere
