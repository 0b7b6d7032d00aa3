// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/request/device.h"
#include "server/request/signature.h"

namespace torchere {

// What one worker thread of a device keeps for its runs: the thread's state in
// the library, its stream. Made on that thread, used and ended only there.
class WorkerContext {
 public:
  virtual ~WorkerContext() = default;
};

// A model in memory, on one device. Thread-safe: any number of workers of the
// device may run it at a time.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;

  // How it is called, as far as its file says. Never changes.
  virtual const Signature& signature() const = 0;

  // Runs a method of signature() on arguments that BindInputs has accepted, and
  // lets go of their bytes once they are copied.
  // The outputs have the archive's names (proto/torchere/v1/predict.proto,
  // PredictResponse.outputs); their tensors own their bytes. No exception
  // leaves it.
  //
  //   INVALID_ARGUMENT    MODEL_REJECTED: the model raised
  //   RESOURCE_EXHAUSTED  OUT_OF_MEMORY
  //   INTERNAL            UNSUPPORTED_OUTPUT, or MODEL_FAILED; what a caller
  //                       must not see is in LogTextOf
  virtual absl::StatusOr<NamedValues> Run(const MethodSignature& method, Arguments arguments,
                                          WorkerContext& worker) = 0;
};

// A library that runs models. Thread-safe.
class Backend {
 public:
  virtual ~Backend() = default;

  // "torchscript"
  virtual std::string name() const = 0;

  // Must be the first that a worker thread of `device` does; `device` must be one
  // that models can be loaded onto.
  virtual std::unique_ptr<WorkerContext> StartWorker(const Device& device) = 0;

  // Reads the file and puts the model onto the device, ready to run.
  //
  //   NOT_FOUND            no such file
  //   INVALID_ARGUMENT     not a model of this backend: the message says what
  //                        the file is, and what to do
  //   FAILED_PRECONDITION  it needs what this build lacks (an operator)
  //   RESOURCE_EXHAUSTED   it does not fit into memory
  virtual absl::StatusOr<std::unique_ptr<LoadedModel>> Load(const std::string& path,
                                                            const Device& device) = 0;
};

}  // namespace torchere
