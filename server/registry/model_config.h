// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/request/device.h"
#include "server/request/signature.h"

namespace torchere {

// What model.yaml declares of one argument or output.
struct DeclaredValue {
  std::string name;
  // Of an output: the name that callers see.
  std::string rename;
  std::optional<DType> dtype;
  std::optional<Shape> shape;
  std::vector<std::string> labels;
  std::optional<IntRange> range;
  // Where it stands in the file.
  int line = 0;
};

// What model.yaml's `pad` declares of one input.
struct DeclaredPadding {
  std::string input;
  size_t axis = 1;
  double value = 0;
  // Ascending, at least one.
  std::vector<int64_t> buckets = {};
  // An input; empty: none.
  std::string mask = {};
  std::vector<std::string> outputs = {};
  // Where it stands in the file.
  int line = 0;
};

struct DeclaredMethod {
  std::vector<DeclaredValue> inputs;
  std::vector<DeclaredValue> outputs;
  std::vector<DeclaredPadding> padding = {};
};

// How requests are batched: model.yaml's `batching`, and what belongs to it.
struct BatchingConfig {
  // Proven at load; on trust; never.
  enum class Mode { kAuto, kOn, kOff };

  // How many of the rows that wait make a run: as many as are cheapest by the
  // row; all.
  enum class Cut { kBest, kAll };

  Mode mode = Mode::kAuto;
  Cut cut = Cut::kBest;
  // Rows of one run, 1 to 1024.
  int64_t max_rows = 64;
  // How long a free worker may wait for more rows.
  Duration max_delay{};
  // Ascending, the last is max_rows or more: a run is padded to the next.
  std::vector<int64_t> buckets = {};
  // Runs always have as many rows as the only bucket: model.yaml's
  // `batch_invariant`.
  bool invariant = false;
};

// What may wait: model.yaml's `queue`.
struct QueueConfig {
  int64_t max_rows = 1024;
  // Without it BatchRules::max_time's own rule.
  std::optional<Duration> max_time = {};
};

// What one version may have: model.yaml's `limits`.
struct LimitsConfig {
  // Runs at a time, on each of its devices.
  std::optional<int> concurrency = {};
  // Bytes of its file, which are about what it takes in memory.
  std::optional<int64_t> memory = {};
};

// How a version is tried before it takes requests: model.yaml's `warmup`.
struct WarmupConfig {
  // Files of inputs (.npz), each a request's; without them inputs are made up.
  std::vector<std::string> samples = {};
  // For all methods together.
  Duration time_limit = std::chrono::seconds(60);
};

// A model.yaml, read and checked. Without a file everything is empty.
struct ModelConfig {
  // The file, for messages.
  std::string path = {};
  // By method; `inputs` and `outputs` at the top are forward's.
  std::map<std::string, DeclaredMethod> methods = {};
  BatchingConfig batching = {};
  QueueConfig queue = {};
  LimitsConfig limits = {};
  WarmupConfig warmup = {};
  // One run at a time, and no two requests in it.
  bool stateful = false;
  // Where it runs, on each of them; empty: where the server says. One at most of
  // what is stateful.
  std::vector<Device> devices = {};
};

// Reads model.yaml: plain YAML of at most 1 MiB, without anchors, aliases and
// tags. A `labels_file` holds a label a line and lies in model.yaml's own folder.
//
//   INVALID_ARGUMENT  no readable file, not such YAML, an unknown or repeated
//                     key, a wrong value, a key whose effect is not there yet;
//                     the message names the file, the line and the key's path
//                     ("model.yaml:7: outputs[0].dtype: …")
absl::StatusOr<ModelConfig> ReadModelConfig(const std::string& path);

// Puts what is declared into what the archive says. Where outputs vary, those
// declared are added. On an error the signature is left half done.
//
//   INVALID_ARGUMENT  a method, input or output that the archive does not have,
//                     a dtype, shape or labels for what is neither Tensor nor
//                     Optional[Tensor], two outputs of one name; the message
//                     names them and those there are; DeclarePadding's
absl::Status Declare(const ModelConfig& config, Signature& signature);

}  // namespace torchere
