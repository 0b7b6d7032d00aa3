// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/registry/model_config.h"
#include "server/request/cost_curve.h"
#include "server/request/request.h"
#include "server/request/signature.h"

namespace torchere {

// A loaded version, ready to take requests. Thread-safe.
class ServedVersion {
 public:
  virtual ~ServedVersion() = default;

  // How it is called: what its file says and its config declares.
  virtual const Signature& signature() const = 0;
  // Where it runs: "cpu".
  virtual std::string device() const = 0;
  // What runs it: "torchscript".
  virtual std::string backend() const = 0;
  // What its load found out, a line each, for the log.
  virtual std::vector<std::string> findings() const { return {}; }

  // OK, or why it takes no requests for the time being: UNAVAILABLE, MODEL_HANGS.
  virtual absl::Status health() const = 0;

  // How long runs of one of its methods take, by their rows, as is known now; of one that
  // is padded its longest.
  virtual CostCurve run_costs(const MethodSignature& method) const = 0;

  // Takes a request whose inputs are bound and sees to its answer. On an error
  // (QUEUE_FULL, DEADLINE_EXCEEDED, health()) its reply is left to the caller.
  virtual absl::Status Submit(Request& request) = 0;
};

// What the registry loads versions through. Thread-safe.
class Loader {
 public:
  virtual ~Loader() = default;

  // Loads the file at `path` with what `config` declares of it. Errors:
  // Backend::Load's and Declare's.
  virtual absl::StatusOr<std::unique_ptr<ServedVersion>> Load(const std::string& path,
                                                              const ModelConfig& config) = 0;
};

}  // namespace torchere
