// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server/registry/registry.h"
#include "server/request/request.h"

namespace torchere {

// A request's way from the front end to the model's queue: which version, is it
// called rightly, and into the queue. Thread-safe.
class Pipeline {
 public:
  // `registry` must outlive it.
  explicit Pipeline(Registry& registry) : registry_(registry) {}

  // Sees to it that the request is answered, now or later, on any thread.
  void Submit(Request request);

 private:
  // On an error the request is there still, for Submit to answer.
  absl::Status Enqueue(Request& request);

  Registry& registry_;
};

}  // namespace torchere
