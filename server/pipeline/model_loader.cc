// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/model_loader.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/base/status_macros.h"
#include "server/batching/batch_queue.h"
#include "server/batching/padding.h"
#include "server/pipeline/padding_trial.h"
#include "server/pipeline/sample_files.h"
#include "server/pipeline/warm_up.h"
#include "server/request/error.h"
#include "server/request/rows.h"

namespace torchere {
namespace {

// What one trial of a method may take, besides what a single run takes.
constexpr Duration kTrialTime = std::chrono::seconds(1);

// Whether every run takes about what the trial's took: nothing of a request but
// its rows changes what is to be done, and those are counted where it is batched.
bool IsPredictable(const MethodSignature& method) {
  return method.is_straight &&
         std::all_of(method.inputs.begin(), method.inputs.end(), [&](const ValueSpec& input) {
           return input.type.kind == ValueType::Kind::kTensor && input.shape &&
                  !input.shape->empty() &&
                  std::count(input.shape->begin() + (method.batched ? 1 : 0), input.shape->end(),
                             -1) == 0;
         });
}

// A model on one device, with a queue for each method, and for each length of its runs
// where they are padded.
struct Replica {
  Replica(std::unique_ptr<LoadedModel> loaded, DevicePool& on)
      : model(std::move(loaded)), pool(on) {}

  const std::unique_ptr<LoadedModel> model;
  DevicePool& pool;
  VersionRuns runs;
  // By RunLengths.
  std::map<std::pair<const MethodSignature*, int64_t>, ModelQueue> queues;
};

// A model in memory, on one device or several.
class RunnableVersion : public ServedVersion {
 public:
  RunnableVersion(std::vector<std::unique_ptr<Replica>> replicas, Signature signature,
                  std::string backend)
      : replicas_(std::move(replicas)),
        signature_(std::move(signature)),
        backend_(std::move(backend)) {}

  const Signature& signature() const override { return signature_; }
  std::string device() const override {
    return absl::StrJoin(replicas_, ",", [](std::string* out, const auto& replica) {
      absl::StrAppend(out, Name(replica->pool.device()));
    });
  }
  std::string backend() const override { return backend_; }
  std::vector<std::string> findings() const override { return findings_; }

  absl::Status Submit(Request& request) override {
    if (!request.method->padding.buckets.empty()) {
      // No queue would take it, and to pad it is not for nothing.
      TORCHERE_RETURN_IF_ERROR(CheckRows(RowsOf(request.arguments).value_or(1), max_rows_));
    }
    TORCHERE_ASSIGN_OR_RETURN(const int64_t length, PadRequest(request));
    if (replicas_.size() > 1) return SubmitToSoonest(request, length);
    return replicas_.front()->queues.find({request.method, length})->second.Submit(request);
  }

  // What hangs on one device of several is told of, though the others go on.
  absl::Status health() const override {
    for (const auto& replica : replicas_) {
      for (const auto& [method, queue] : replica->queues) {
        TORCHERE_RETURN_IF_ERROR(queue.health());
      }
    }
    return absl::OkStatus();
  }

  CostCurve run_costs(const MethodSignature& method) const override {
    const int64_t longest = RunLengths(method).back();
    return replicas_.front()->queues.find({&method, longest})->second.curve();
  }

  // Tries every method on every device and makes its queues. A method is batched
  // where it may be on all of them. Errors: ReadSamples'.
  absl::Status Prepare(const ModelConfig& config) {
    TORCHERE_ASSIGN_OR_RETURN(MethodSamples samples,
                              ReadSamples(config.warmup.samples, signature_));
    max_rows_ = config.queue.max_rows;
    const Time until = Now() + config.warmup.time_limit;
    for (MethodSignature& method : signature_.methods) {
      const std::vector<int64_t> lengths = RunLengths(method);
      std::vector<Trial> trials;
      method.batched = !config.stateful;
      for (const auto& replica : replicas_) {
        if (lengths.front() != 0) AddPaddingFinding(method, *replica, samples[&method], until);
        for (size_t i = 0; i < lengths.size(); ++i) {
          // The time that is left is for all lengths.
          const Time now = Now();
          const Time end = now + (until - now) / static_cast<int64_t>(lengths.size() - i);
          trials.push_back(Try(AtLength(method, lengths[i]), *replica, config,
                               SamplesAt(method, lengths[i], samples[&method]), end));
          method.batched = method.batched && trials.back().batched;
        }
      }
      auto trial = trials.begin();
      for (const auto& replica : replicas_) {
        for (const int64_t length : lengths) {
          AddFinding(method, length, *replica, *trial);
          AddQueue(method, length, *replica, std::move(*trial), config);
          ++trial;
        }
      }
    }
    return absl::OkStatus();
  }

 private:
  static Trial Try(const MethodSignature& method, Replica& replica, const ModelConfig& config,
                   const std::vector<Arguments>& samples, Time until) {
    // A run would change what it is to answer.
    if (config.stateful) return {.finding = "it is stateful"};
    const Duration time = std::min(kTrialTime, until - Now());
    if (time <= Duration::zero()) {
      return {.batched = config.batching.mode == BatchingConfig::Mode::kOn,
              .finding = "warmup.time_limit had passed before it"};
    }
    Trial trial;
    replica.pool.RunTask([&](WorkerContext& context) {
      trial = TryMethod(method, *replica.model, context, config.batching, time, samples,
                        replica.pool.cores());
    });
    return trial;
  }

  // " (cuda:1)", where there are several.
  std::string Where(const Replica& replica) const {
    return replicas_.size() > 1 ? absl::StrCat(" (", Name(replica.pool.device()), ")") : "";
  }

  void AddFinding(const MethodSignature& method, int64_t length, const Replica& replica,
                  const Trial& trial) {
    const bool may_be = trial.batched && !method.batched;
    const std::string why = may_be ? ", since it is not at another length or device"
                                   : absl::StrCat(": ", trial.finding);
    findings_.push_back(absl::StrCat("method '", method.name, "' is ",
                                     method.batched ? "batched" : "not batched",
                                     length == 0 ? "" : absl::StrCat(" at length ", length), why,
                                     Lending(trial, replica), Where(replica)));
  }

  void AddPaddingFinding(const MethodSignature& method, Replica& replica,
                         const std::vector<Arguments>& samples, Time until) {
    std::string finding;
    replica.pool.RunTask([&](WorkerContext& context) {
      const Time end = std::min(until, Now() + kTrialTime);
      finding = TryPadding(method, *replica.model, context, end, samples);
    });
    findings_.push_back(absl::StrCat("method '", method.name, "' is padded to ",
                                     absl::StrJoin(method.padding.buckets, ", "), ": ", finding,
                                     Where(replica)));
  }

  // What a run gains that is lent idle cores.
  static std::string Lending(const Trial& trial, const Replica& replica) {
    if (trial.with_all.empty()) return "";
    const CostCurve::Point& first = trial.with_all.points().front();
    const std::chrono::duration<double> time = first.time;
    return absl::StrFormat("; with %d threads it takes %.2f of the time", replica.pool.cores().all,
                           time / trial.curve.Of(first.rows));
  }

  static void AddQueue(const MethodSignature& method, int64_t length, Replica& replica, Trial trial,
                       const ModelConfig& config) {
    if (config.limits.concurrency) replica.runs.most = *config.limits.concurrency;
    if (config.stateful) replica.runs.most = 1;
    const auto queue = replica.queues.try_emplace({&method, length}, replica.pool, *replica.model,
                                                  replica.runs, Rules(method.batched, config));
    queue.first->second.SetCurve(std::move(trial.curve), std::move(trial.with_all));
    if (IsAsynchronous(replica.pool.device()) || config.stateful) return;
    if (IsPredictable(AtLength(method, length)) && config.batching.max_delay == Duration{}) {
      queue.first->second.AllowGuest();
    }
  }

  // To the device that will answer first; where that takes no more, to the next.
  absl::Status SubmitToSoonest(Request& request, int64_t length) const {
    const int64_t rows = RowsOf(request.arguments).value_or(1);
    std::vector<std::pair<Prospect, ModelQueue*>> queues;
    for (const auto& replica : replicas_) {
      ModelQueue& queue = replica->queues.find({request.method, length})->second;
      queues.emplace_back(queue.ProspectFor(rows), &queue);
    }
    std::stable_sort(queues.begin(), queues.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    absl::Status refusal;
    for (const auto& [prospect, queue] : queues) {
      absl::Status status = queue->Submit(request);
      if (status.ok()) return status;
      if (refusal.ok()) refusal = status;
      if (!absl::IsResourceExhausted(status) && !absl::IsUnavailable(status)) break;
    }
    return refusal;
  }

  static BatchRules Rules(bool batched, const ModelConfig& config) {
    return {.batched = batched,
            .only_required = config.batching.mode == BatchingConfig::Mode::kAuto,
            .max_rows = config.batching.max_rows,
            .cut_all = config.batching.cut == BatchingConfig::Cut::kAll,
            .buckets = batched ? config.batching.buckets : std::vector<int64_t>(),
            .invariant = batched && config.batching.invariant,
            .max_delay = config.batching.max_delay,
            .max_queued_rows = config.queue.max_rows,
            .max_time = config.queue.max_time};
  }

  // One a device.
  const std::vector<std::unique_ptr<Replica>> replicas_;
  // Not changed after Prepare: requests point into it.
  Signature signature_;
  const std::string backend_;
  // Of a request that is padded.
  int64_t max_rows_ = 0;
  std::vector<std::string> findings_;
};

absl::Status CheckSize(const std::string& path, const LimitsConfig& limits) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  // A file that is not there is the backend's to complain of.
  if (none || !limits.memory || size <= static_cast<uintmax_t>(*limits.memory)) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(path, " has ", size, " bytes, limits.memory allows ", *limits.memory));
}

// Of another kind a device rounds otherwise.
absl::Status CheckInvariant(const ModelConfig& config, const std::vector<DevicePool*>& pools) {
  for (const DevicePool* pool : pools) {
    if (!config.batching.invariant || pool->device().kind == pools.front()->device().kind) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        config.path, ": batch_invariant: ", Name(pools.front()->device()), " and ",
        Name(pool->device()), " give answers that are not bit-equal; name devices of one kind"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServedVersion>> ModelLoader::Load(const std::string& path,
                                                                 const ModelConfig& config) {
  auto pools = pools_.Get(config.devices);
  if (!pools.ok()) return Annotate(pools.status(), absl::StrCat(config.path, ": devices: "), {});
  TORCHERE_RETURN_IF_ERROR(CheckSize(path, config.limits));
  TORCHERE_RETURN_IF_ERROR(CheckInvariant(config, *pools));
  // Each device would have a state of its own.
  if (config.stateful) pools->resize(1);
  std::vector<std::unique_ptr<Replica>> replicas;
  for (DevicePool* pool : *pools) {
    TORCHERE_ASSIGN_OR_RETURN(std::unique_ptr<LoadedModel> model,
                              backend_.Load(path, pool->device()));
    replicas.push_back(std::make_unique<Replica>(std::move(model), *pool));
  }
  Signature signature = replicas.front()->model->signature();
  TORCHERE_RETURN_IF_ERROR(Declare(config, signature));
  auto version =
      std::make_unique<RunnableVersion>(std::move(replicas), std::move(signature), backend_.name());
  TORCHERE_RETURN_IF_ERROR(version->Prepare(config));
  return version;
}

}  // namespace torchere
