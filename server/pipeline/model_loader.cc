// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/model_loader.h"

#include <utility>

#include "server/base/status_macros.h"

namespace torchere {
namespace {

// A model in memory with its queue.
class RunnableVersion : public ServedVersion {
 public:
  RunnableVersion(std::unique_ptr<LoadedModel> model, Signature signature, std::string backend,
                  DevicePool& pool)
      : model_(std::move(model)),
        signature_(std::move(signature)),
        backend_(std::move(backend)),
        device_(Name(pool.device())),
        queue_(pool, *model_, BatchLimits{}) {}

  const Signature& signature() const override { return signature_; }
  std::string device() const override { return device_; }
  std::string backend() const override { return backend_; }
  absl::Status Submit(Request& request) override { return queue_.Submit(request); }

 private:
  const std::unique_ptr<LoadedModel> model_;
  const Signature signature_;
  const std::string backend_;
  const std::string device_;
  ModelQueue queue_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServedVersion>> ModelLoader::Load(const std::string& path,
                                                                 const ModelConfig& config) {
  TORCHERE_ASSIGN_OR_RETURN(std::unique_ptr<LoadedModel> model,
                            backend_.Load(path, pool_.device()));
  Signature signature = model->signature();
  TORCHERE_RETURN_IF_ERROR(Declare(config, signature));
  return std::make_unique<RunnableVersion>(std::move(model), std::move(signature), backend_.name(),
                                           pool_);
}

}  // namespace torchere
