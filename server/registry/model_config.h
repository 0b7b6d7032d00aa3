// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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
  // Where it stands in the file.
  int line = 0;
};

struct DeclaredMethod {
  std::vector<DeclaredValue> inputs;
  std::vector<DeclaredValue> outputs;
};

// A model.yaml, read and checked. Without a file everything is empty.
struct ModelConfig {
  // The file, for messages.
  std::string path = {};
  // By method; `inputs` and `outputs` at the top are forward's.
  std::map<std::string, DeclaredMethod> methods = {};
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
//                     names them and those there are
absl::Status Declare(const ModelConfig& config, Signature& signature);

}  // namespace torchere
