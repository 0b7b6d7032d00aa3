// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/warm_up.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/pipeline/sample_inputs.h"
#include "server/pipeline/value_distance.h"
#include "server/request/rows.h"

namespace torchere {
namespace {

using Mode = BatchingConfig::Mode;

// Rows whose answers alone are compared with those in batches.
constexpr int64_t kKnownRows = 4;
// A batch of so many rows is tried however long a run takes.
constexpr int64_t kLeastRows = 2;
// The first runs of a shape are slower: the quickest of so many counts, if they
// are short.
constexpr int kRepeats = 5;
constexpr Duration kShortRun = std::chrono::milliseconds(20);
constexpr int kRepeatsWithAll = 3;
// Sizes that cost so much more by the row than the best are not worth more time.
constexpr double kTooDear = 1.2;
constexpr int kManyDear = 3;

// One method's trial.
class Tester {
 public:
  Tester(const MethodSignature& method, LoadedModel& model, WorkerContext& context, Time until,
         const std::vector<Arguments>& given, const Cores& cores)
      : method_(method),
        model_(model),
        context_(context),
        until_(until),
        given_(given),
        cores_(cores) {}

  Trial Try(const BatchingConfig& config) {
    trial_.batched = config.mode == Mode::kOn;
    const bool has_rows = HasFreeRows(method_, given_);
    const int64_t given_rows = CountDifferentRows(given_, kKnownRows);
    const bool give_optional =
        std::any_of(given_.begin(), given_.end(),
                    [this](const Arguments& sample) { return GiveOptional(method_, sample); });
    const bool can_prove = given_.empty() || (given_rows >= kKnownRows && !give_optional);
    const bool by_rows = has_rows && (can_prove || config.mode == Mode::kOn);
    if (!Prepare(by_rows ? config.max_rows : 1)) return std::move(trial_);
    if (config.mode == Mode::kOff) {
      trial_.finding = "batching is off in model.yaml";
      return std::move(trial_);
    }
    if (!by_rows) {
      trial_.batched = false;
      trial_.finding = NoProof(has_rows, give_optional, given_rows);
      return std::move(trial_);
    }
    if (config.invariant) {
      TryInvariant(config.max_rows, config.mode == Mode::kAuto);
    } else {
      TrySizes(config);
    }
    trial_.batched = config.mode == Mode::kOn || proven_;
    return std::move(trial_);
  }

 private:
  static std::vector<int64_t> Sizes(const BatchingConfig& config) {
    if (!config.buckets.empty()) return config.buckets;
    std::vector<int64_t> sizes;
    for (int64_t rows = 2; rows < config.max_rows; rows *= 2) sizes.push_back(rows);
    if (config.max_rows > 1) sizes.push_back(config.max_rows);
    return sizes;
  }

  void TrySizes(const BatchingConfig& config) {
    for (const int64_t rows : Sizes(config)) {
      if (largest_ >= kLeastRows && Now() >= until_) return;
      largest_ = rows;
      std::vector<int64_t> order = Order(rows);
      std::shuffle(order.begin(), order.end(), random_);
      if (!TryRows(order, config.mode == Mode::kAuto)) return;
      if (dear_ >= kManyDear && config.cut == BatchingConfig::Cut::kBest) return;
    }
  }

  // Every row at two places of a full batch, and one at every place.
  void TryInvariant(int64_t rows, bool must_prove) {
    tolerance_ = 0;
    const auto outputs = Measure(samples_, rows);
    if (!outputs.ok()) {
      Refute(RunFailed(rows, outputs.status()));
      return;
    }
    known_.clear();
    for (int64_t row = 0; must_prove && row < rows; ++row) {
      NamedValues& known = known_.emplace_back();
      for (const auto& [name, value] : *outputs) {
        auto slice = SliceRows(value, OutputType(method_, name), rows, row, 1);
        if (!slice) {
          Refute(NotByRows(name));
          return;
        }
        known.push_back({name, *std::move(slice)});
      }
    }
    std::vector<int64_t> order = Order(rows);
    std::shuffle(order.begin(), order.end(), random_);
    if (TryRows(order, must_prove)) TryRows(std::vector<int64_t>(order.size()), must_prove);
  }

  static std::vector<int64_t> Order(int64_t rows) {
    std::vector<int64_t> order(static_cast<size_t>(rows));
    std::iota(order.begin(), order.end(), 0);
    return order;
  }

  // Makes the samples and runs some rows alone.
  bool Prepare(int64_t rows) {
    if (given_.empty()) {
      auto samples = SampleInputs(method_, rows, random_);
      if (!samples.ok()) return Give(samples.status().message());
      samples_ = *std::move(samples);
    } else {
      for (const Arguments& sample : given_) {
        const auto outputs = Run(sample);
        if (!outputs.ok()) return Give(SampleFailed(outputs.status()));
      }
      samples_ = rows == 1 ? given_.front() : RepeatRows(given_, rows);
    }
    if (rows == 1) {
      absl::StatusOr<NamedValues> outputs = Measure(samples_, 1);
      return outputs.ok() || Give(SampleFailed(outputs.status()));
    }
    for (int64_t row = 0; row < std::min(kKnownRows, rows); ++row) {
      // Two of a model that takes long.
      if (row > 1 && Now() >= until_) break;
      absl::StatusOr<NamedValues> outputs =
          row == 0 ? Measure(SliceRows(samples_, row, 1), 1) : Run(SliceRows(samples_, row, 1));
      if (!outputs.ok()) return Give(SampleFailed(outputs.status()));
      known_.push_back(*std::move(outputs));
    }
    return true;
  }

  // Runs the samples' rows in this order. False where they are not to run
  // together.
  bool TryRows(const std::vector<int64_t>& order, bool must_prove) {
    const auto rows = static_cast<int64_t>(order.size());
    std::vector<Arguments> slices;
    slices.reserve(order.size());
    for (const int64_t row : order) slices.push_back(SliceRows(samples_, row, 1));
    std::vector<const Arguments*> stack;
    stack.reserve(slices.size());
    for (const Arguments& slice : slices) stack.push_back(&slice);
    const auto outputs = Measure(Stack(stack, rows), rows);
    if (!outputs.ok()) {
      return Refute(RunFailed(rows, outputs.status()));
    }
    if (must_prove && !Prove(*outputs, order)) return false;
    const Duration by_row = trial_.curve.Of(rows) / rows;
    best_by_row_ = std::min(best_by_row_, by_row);
    dear_ = by_row > best_by_row_ * kTooDear ? dear_ + 1 : 0;
    return true;
  }

  bool Prove(const NamedValues& outputs, const std::vector<int64_t>& order) {
    const auto rows = static_cast<int64_t>(order.size());
    for (int64_t place = 0; place < rows; ++place) {
      const int64_t row = order[static_cast<size_t>(place)];
      if (row >= static_cast<int64_t>(known_.size())) continue;
      const NamedValues& alone = known_[static_cast<size_t>(row)];
      if (alone.size() != outputs.size()) return Refute("the number of its outputs changes");
      for (size_t i = 0; i < outputs.size(); ++i) {
        if (!Compare(outputs[i], alone[i], rows, place)) return false;
      }
    }
    if (rows == 1) return true;
    proven_ = !known_.empty();
    trial_.finding =
        tolerance_ == 0
            ? absl::StrFormat("a row's answer is bit-equal at any place in a batch of %d rows",
                              rows)
            : absl::StrFormat(
                  "a row's answer is the same in batches of up to %d rows, within %.2g of what "
                  "rounding may do",
                  rows, worst_);
    return true;
  }

  bool Compare(const NamedValue& output, const NamedValue& alone, int64_t rows, int64_t place) {
    const ValueType& type = OutputType(method_, output.name);
    const auto slice = SliceRows(output.value, type, rows, place, 1);
    // What does not go by rows alone either, such as a list of no rows.
    const auto one = SliceRows(alone.value, type, 1, 0, 1);
    if (!slice || !one) {
      return Refute(NotByRows(output.name));
    }
    const auto distance = Distance(*slice, *one);
    if (!distance || *distance > tolerance_) {
      return Refute(absl::StrCat("output '", output.name,
                                 "' of a row changes with the rows beside it, in a batch of ",
                                 rows));
    }
    worst_ = std::max(worst_, *distance);
    return true;
  }

  static std::string NoProof(bool has_rows, bool give_optional, int64_t given_rows) {
    if (!has_rows) return "an input has no free first dimension (shape [-1, ...])";
    if (give_optional) {
      return "its samples give an input that may be left out, and only requests that leave it out "
             "run together";
    }
    return absl::StrCat("its samples have ", given_rows, " different rows; give ", kKnownRows,
                        " or more");
  }

  static std::string SampleFailed(const absl::Status& why) {
    return absl::StrCat("a run on a sample failed: ", why.message());
  }

  static std::string RunFailed(int64_t rows, const absl::Status& why) {
    return absl::StrCat("a run of ", rows, " rows failed: ", why.message());
  }

  static std::string NotByRows(const std::string& output) {
    return absl::StrCat("output '", output, "' does not go by the rows of the inputs");
  }

  absl::StatusOr<NamedValues> Run(Arguments arguments) {
    auto outputs = model_.Run(method_, std::move(arguments), context_);
    if (!outputs.ok()) return outputs;
    return NameOutputs(method_, *std::move(outputs));
  }

  // Runs it some times; the quickest makes a point of the curve.
  absl::StatusOr<NamedValues> Measure(const Arguments& arguments, int64_t rows) {
    Duration quickest = Duration::max();
    absl::StatusOr<NamedValues> outputs = absl::InternalError("not run");
    for (int i = 0; i < kRepeats; ++i) {
      const Time started = Now();
      outputs = Run(arguments);
      if (!outputs.ok()) return outputs;
      quickest = std::min(quickest, Now() - started);
      // Once more at least: the first run of a size is not a measure.
      if (i > 0 && quickest > kShortRun) break;
    }
    trial_.curve.Set(rows, quickest);
    if (rows == 1) best_by_row_ = quickest;
    if (quickest >= kLeastLent && cores_.all > cores_.own) MeasureWithAll(arguments, rows);
    return outputs;
  }

  // The same with all cores, for which a run's threads are made and ended.
  void MeasureWithAll(const Arguments& arguments, int64_t rows) {
    // One row is measured however long a run takes.
    if (rows > 1 && Now() >= until_) return;
    Duration quickest = Duration::max();
    for (int i = 0; i < kRepeatsWithAll; ++i) {
      const Time started = Now();
      context_.UseThreads(cores_.all);
      const bool ran = Run(arguments).ok();
      context_.UseThreads(cores_.own);
      if (!ran) return;
      quickest = std::min(quickest, Now() - started);
    }
    trial_.with_all.Set(rows, quickest);
  }

  bool Give(absl::string_view why) {
    trial_.finding = std::string(why);
    return false;
  }

  // Not batched.
  bool Refute(std::string why) {
    proven_ = false;
    trial_.finding = std::move(why);
    return false;
  }

  const MethodSignature& method_;
  LoadedModel& model_;
  WorkerContext& context_;
  const Time until_;
  const std::vector<Arguments>& given_;
  const Cores cores_;
  // The same samples at every load.
  std::mt19937 random_{20};
  Arguments samples_;
  std::vector<NamedValues> known_;
  Trial trial_;
  bool proven_ = false;
  // Rows of the largest batch that was tried.
  int64_t largest_ = 0;
  double worst_ = 0;
  // The largest Distance of what counts as the same.
  double tolerance_ = 1;
  Duration best_by_row_ = Duration::max();
  // So many sizes, one after the other, were not worth it.
  int dear_ = 0;
};

}  // namespace

Trial TryMethod(const MethodSignature& method, LoadedModel& model, WorkerContext& context,
                const BatchingConfig& config, Duration time, const std::vector<Arguments>& samples,
                const Cores& cores) {
  const Time until = Now() + time;
  // A sum over threads is rounded in another order.
  const Cores may_use = config.invariant ? Cores{} : cores;
  return Tester(method, model, context, until, samples, may_use).Try(config);
}

}  // namespace torchere
