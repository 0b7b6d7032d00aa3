// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/request/device.h"
#include "server/request/signature.h"

namespace torchere {

// The host memory that the inputs of a run on an asynchronous device are gathered
// into: one run at a time, until its Fence is passed.
class Staging {
 public:
  virtual ~Staging() = default;
};

// A place in what an asynchronous device has been given to do: behind a run, the
// copies of its outputs included.
class Fence {
 public:
  virtual ~Fence() = default;

  // Waits until the device has done all before it. Once, on any thread.
  //
  //   UNAVAILABLE  DEVICE_LOST
  virtual absl::Status Wait() = 0;
};

// A run that an asynchronous device has been given.
struct BegunRun {
  // Of a tensor only dtype and shape may be looked at before the fence is passed.
  NamedValues outputs;
  std::unique_ptr<Fence> fence;
};

// What one worker thread of a device keeps for its runs: the thread's state in
// the library, its stream. Made on that thread, used and ended only there.
class WorkerContext {
 public:
  virtual ~WorkerContext() = default;

  // Of an asynchronous device: nothing on the CPU.
  virtual std::unique_ptr<Staging> MakeStaging() { return nullptr; }

  // Gives the device the memory back that the library keeps for later: a run did
  // not find enough.
  virtual void FreeUnused() {}

  // The runs that follow use so many threads, on the CPU. Those that it lets go have
  // ended when it returns: none keeps a core busy. At least 1.
  virtual void UseThreads(int /*threads*/) {}
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
  //   UNAVAILABLE         DEVICE_LOST: no run on this device will succeed until
  //                       the process is started again
  //   INTERNAL            UNSUPPORTED_OUTPUT, or MODEL_FAILED; what a caller
  //                       must not see is in LogTextOf
  virtual absl::StatusOr<NamedValues> Run(const MethodSignature& method, Arguments arguments,
                                          WorkerContext& worker) = 0;

  // The same on an asynchronous device, without waiting for it: the arguments are
  // gathered into `staging`, which no run may be using, and the run stands behind
  // those that the worker began before. Errors as of Run; then nothing is begun.
  virtual absl::StatusOr<BegunRun> Begin(const MethodSignature& method, Arguments arguments,
                                         WorkerContext& worker, Staging& staging) = 0;
};

// A library that runs models. Thread-safe.
class Backend {
 public:
  virtual ~Backend() = default;

  // "torchscript"
  virtual std::string name() const = 0;

  // Where models can be loaded; the CPU first.
  virtual std::vector<Device> devices() const = 0;

  // Whether a device of devices() can be used; the error's text says why not.
  virtual absl::Status TryDevice(const Device& device) = 0;

  // Must be the first that a worker thread of `device` does; `device` must be one
  // of devices().
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
