// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/admission/gate.h"
#include "server/base/mutex.h"
#include "server/frontend/grpc/method.h"

namespace torchere {

// grpc.health.v1.Health on the completion queue. (gRPC's own brings the pollers
// of its callback API into the process, which halves the speed.) Thread-safe.
class Health {
 public:
  // Whether a part ("", "models/digits", "torchere.v1.PredictService") takes
  // requests; nothing for one that there is not.
  using Look = std::function<std::optional<bool>(const std::string& part)>;

  explicit Health(Look look) : look_(std::move(look)) {}

  // Adds Check and Watch to the table; the gates and this must outlive it. A
  // Watch keeps its place for as long as it lasts, so it has a gate of its own.
  void AddMethods(Gate& check_gate, Gate& watch_gate, MethodTable& methods);

  // Tells the watchers of what has changed.
  void Changed();

  // From now on everything is NOT_SERVING; the watchers are told, and their
  // calls end.
  void Drain();

 private:
  class CheckMethod;
  class WatchMethod;
  class Watcher;

  // A ServingStatus; SERVICE_UNKNOWN for a part that there is not.
  int StatusOf(const std::string& part) const;
  void Add(const std::shared_ptr<Watcher>& watcher);
  void Remove(const Watcher& watcher);
  std::vector<std::shared_ptr<Watcher>> watchers() const;

  const Look look_;
  mutable Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace torchere
