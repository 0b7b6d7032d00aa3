// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "server/observe/observer.h"
#include "server/registry/loader.h"
#include "server/registry/model_handle.h"
#include "server/registry/model_state.h"
#include "server/registry/repository.h"
#include "server/request/model_ref.h"

namespace torchere {

// The models that there are, by name and version. Thread-safe: looking up waits
// for no load.
class Registry {
 public:
  // Both must outlive it.
  Registry(Loader& loader, Observer& observer) : loader_(loader), observer_(observer) {}

  // Loads the newest version of a model and puts it into the table: AVAILABLE,
  // or at END with the error, which is returned too.
  absl::Status Load(const ModelSource& source);

  // The version asked for; without a choice the newest that is AVAILABLE.
  //
  //   INVALID_ARGUMENT     MISSING_MODEL: no name is given
  //   NOT_FOUND            MODEL_NOT_FOUND, VERSION_NOT_FOUND, LABEL_NOT_FOUND
  //   FAILED_PRECONDITION  VERSION_NOT_SERVED: its state and error are said
  absl::StatusOr<ModelHandle> Acquire(const ModelSpec& spec) const;

  // One model's versions; with a choice only that one.
  //
  //   NOT_FOUND  MODEL_NOT_FOUND, VERSION_NOT_FOUND, LABEL_NOT_FOUND
  absl::StatusOr<ModelStatus> StatusOf(const ModelSpec& spec) const;

  // All models, by name.
  std::vector<ModelStatus> List() const;

  // Whether `model` has a version that takes requests now.
  bool IsAvailable(const std::string& model) const;

 private:
  using Versions = std::map<int64_t, std::shared_ptr<const ModelVersion>, std::greater<>>;
  using Table = std::map<std::string, Versions, std::less<>>;

  std::shared_ptr<const Table> table() const;
  void Put(std::shared_ptr<const ModelVersion> version);

  Loader& loader_;
  Observer& observer_;
  mutable Mutex mutex_;
  // Replaced whole, so that it is held for one copy of the pointer.
  std::shared_ptr<const Table> table_ ABSL_GUARDED_BY(mutex_) = std::make_shared<const Table>();
};

}  // namespace torchere
