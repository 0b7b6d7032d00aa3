// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/model_loader.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/pipeline/sample_files.h"
#include "server/pipeline/warm_up.h"

namespace torchere {
namespace {

// What the trial of one method may take, besides what a single run takes.
constexpr Duration kTrialTime = std::chrono::seconds(1);

// Whether every run takes about what the trial's took: nothing of a request but
// its rows changes what is to be done.
bool IsPredictable(const MethodSignature& method) {
  return method.is_straight &&
         std::all_of(method.inputs.begin(), method.inputs.end(), [](const ValueSpec& input) {
           return input.type.kind == ValueType::Kind::kTensor && input.shape &&
                  !input.shape->empty() &&
                  std::count(input.shape->begin() + 1, input.shape->end(), -1) == 0;
         });
}

// A model in memory with a queue for each method.
class RunnableVersion : public ServedVersion {
 public:
  RunnableVersion(std::unique_ptr<LoadedModel> model, Signature signature, std::string backend,
                  DevicePool& pool)
      : model_(std::move(model)),
        signature_(std::move(signature)),
        backend_(std::move(backend)),
        pool_(pool) {}

  const Signature& signature() const override { return signature_; }
  std::string device() const override { return Name(pool_.device()); }
  std::string backend() const override { return backend_; }
  std::vector<std::string> findings() const override { return findings_; }

  absl::Status Submit(Request& request) override {
    return queues_.find(request.method)->second.Submit(request);
  }

  CostCurve run_costs(const MethodSignature& method) const override {
    return queues_.find(&method)->second.curve();
  }

  // Tries every method and makes its queue. Errors: ReadSamples'.
  absl::Status Prepare(const ModelConfig& config) {
    TORCHERE_ASSIGN_OR_RETURN(MethodSamples samples,
                              ReadSamples(config.warmup.samples, signature_));
    const Time until = Now() + config.warmup.time_limit;
    if (config.stateful) limit_.most = 1;
    for (MethodSignature& method : signature_.methods) {
      Trial trial = Try(method, config, samples[&method], until);
      method.batched = trial.batched && !config.stateful;
      findings_.push_back(
          absl::StrCat("method '", method.name, "' is ",
                       method.batched ? "batched: " : "not batched: ", trial.finding));
      const auto queue =
          queues_.try_emplace(&method, pool_, *model_, limit_, Rules(method.batched, config));
      queue.first->second.SetCurve(std::move(trial.curve));
      if (IsPredictable(method) && !config.stateful && config.batching.max_delay == Duration{}) {
        queue.first->second.AllowGuest();
      }
    }
    return absl::OkStatus();
  }

 private:
  Trial Try(const MethodSignature& method, const ModelConfig& config,
            const std::vector<Arguments>& samples, Time until) {
    // A run would change what it is to answer.
    if (config.stateful) return {.finding = "it is stateful"};
    const Duration time = std::min(kTrialTime, until - Now());
    if (time <= Duration::zero()) return {.finding = "warmup.time_limit had passed before it"};
    Trial trial;
    pool_.RunTask([&](WorkerContext& context) {
      trial = TryMethod(method, *model_, context, config.batching, time, samples);
    });
    return trial;
  }

  static BatchRules Rules(bool batched, const ModelConfig& config) {
    return {.batched = batched,
            .only_required = config.batching.mode == BatchingConfig::Mode::kAuto,
            .max_rows = config.batching.max_rows,
            .cut_all = config.batching.cut == BatchingConfig::Cut::kAll,
            .buckets = config.batching.buckets,
            .invariant = config.batching.invariant,
            .max_delay = config.batching.max_delay,
            .max_queued_rows = config.queue.max_rows,
            .max_time = config.queue.max_time};
  }

  const std::unique_ptr<LoadedModel> model_;
  // Not changed after Prepare: requests point into it.
  Signature signature_;
  const std::string backend_;
  DevicePool& pool_;
  RunLimit limit_;
  std::map<const MethodSignature*, ModelQueue> queues_;
  std::vector<std::string> findings_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServedVersion>> ModelLoader::Load(const std::string& path,
                                                                 const ModelConfig& config) {
  TORCHERE_ASSIGN_OR_RETURN(std::unique_ptr<LoadedModel> model,
                            backend_.Load(path, pool_.device()));
  Signature signature = model->signature();
  TORCHERE_RETURN_IF_ERROR(Declare(config, signature));
  auto version = std::make_unique<RunnableVersion>(std::move(model), std::move(signature),
                                                   backend_.name(), pool_);
  TORCHERE_RETURN_IF_ERROR(version->Prepare(config));
  return version;
}

}  // namespace torchere
