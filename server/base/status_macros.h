// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the function if `expression` is a Status that is not OK.
#define TORCHERE_RETURN_IF_ERROR(expression)                                \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

// TORCHERE_ASSIGN_OR_RETURN(auto x, F()): x is F()'s value, or the function
// returns F()'s error.
#define TORCHERE_ASSIGN_OR_RETURN(target, expression) \
  TORCHERE_ASSIGN_OR_RETURN_(TORCHERE_CONCAT_(statusor_, __LINE__), target, expression)
#define TORCHERE_ASSIGN_OR_RETURN_(statusor, target, expression) \
  auto statusor = (expression);                                  \
  if (!statusor.ok()) return std::move(statusor).status();       \
  target = *std::move(statusor)
#define TORCHERE_CONCAT_(a, b) TORCHERE_CONCAT2_(a, b)
#define TORCHERE_CONCAT2_(a, b) a##b
