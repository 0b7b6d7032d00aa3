// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "server/executor/device_pools.h"
#include "server/pipeline/model_loader.h"
#include "server/pipeline/pipeline.h"
#include "tests/support/fake_backend.h"
#include "tests/support/in_process.h"
#include "tests/support/temp_folder.h"

namespace torchere {

// The whole core over the fake backend: registry, pipeline, executor.
struct Core {
  // Serves `run` as a version of `model`, from a file that is there.
  absl::Status Load(const std::string& model, int64_t version, FakeModel::Run1 run,
                    const std::string& config = "") {
    const std::string path =
        folder.Write(model + "/" + std::to_string(version) + "/model.pt", "fake");
    backend.files[path] = std::move(run);
    const std::string config_path =
        config.empty() ? "" : folder.Write(model + "/model.yaml", config);
    return registry.Load({model, config_path, {{version, path}}});
  }

  absl::StatusOr<Response> Ask(Request request, Waiter& waiter) {
    pipeline.Submit(std::move(request));
    return waiter.Wait();
  }
  absl::StatusOr<Response> Ask(const std::string& model, const std::vector<float>& x) {
    Waiter waiter;
    return Ask(RequestFor(model, x, waiter), waiter);
  }

  TempFolder folder;
  FakeBackend backend;
  Observer observer;
  DevicePools pools{backend, observer, {.cores = 2}};
  ModelLoader loader{backend, pools};
  Registry registry{loader, observer};
  Pipeline pipeline{registry};
};

}  // namespace torchere
