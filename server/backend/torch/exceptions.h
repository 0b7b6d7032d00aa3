// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/request/device.h"

namespace torchere {

// INTERNAL, UNSUPPORTED_OUTPUT: `path` ("output 'mask'[3]") is `what` ("a
// tensor of dtype complexfloat"), which cannot be sent.
absl::Status UnsupportedOutput(const std::string& path, absl::string_view what);

// What the exception says that is being handled: to be called in a catch block
// after a run of a model's method. A text of LibTorch that may hold source lines
// of the model, or a backtrace, is in LogTextOf alone.
//
//   INVALID_ARGUMENT    MODEL_REJECTED: the model raised; its own text, cut
//   RESOURCE_EXHAUSTED  OUT_OF_MEMORY
//   INTERNAL            MODEL_FAILED
absl::Status RunFailure(absl::string_view method);

// The same where all that a device was given is waited for: what fails then does
// not end with one run. On CUDA every later call fails likewise.
//
//   UNAVAILABLE  DEVICE_LOST
absl::Status DeviceLost(const Device& device);

// The same after loading the file `path`.
//
//   INVALID_ARGUMENT     LibTorch cannot read it
//   FAILED_PRECONDITION  it needs an operator, a class or a file format that
//                        this LibTorch does not have
//   RESOURCE_EXHAUSTED   OUT_OF_MEMORY
absl::Status LoadFailure(absl::string_view path);

}  // namespace torchere
