// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/padding_trial.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/status_macros.h"
#include "server/batching/padding.h"
#include "server/pipeline/sample_inputs.h"
#include "server/pipeline/value_distance.h"

namespace torchere {
namespace {

// Of a sample that a run can be made of: one of this method's lengths, with rows.
std::optional<PaddedLength> LengthOfSample(const MethodSignature& method, const Arguments& sample) {
  const auto length = LengthOf(method, sample);
  if (!length.ok()) return std::nullopt;
  for (const Padding::Input& input : method.padding.inputs) {
    const std::optional<Value>& value = sample[input.place];
    const auto* const tensor = value ? std::get_if<Tensor>(&value->kind) : nullptr;
    if (tensor != nullptr && tensor->shape[0] == 0) return std::nullopt;
  }
  return *length;
}

// One method's trial of what padding does to its answers.
class PaddingTester {
 public:
  PaddingTester(const MethodSignature& method, LoadedModel& model, WorkerContext& context,
                const std::vector<Arguments>& given)
      : method_(method), model_(model), context_(context), given_(given) {}

  std::string Try(Time until) {
    int64_t below = 0;
    for (const int64_t bucket : method_.padding.buckets) {
      if (Now() >= until) break;
      if (absl::Status status = TryBucket(below, bucket); !status.ok()) {
        return std::string(status.message());
      }
      below = bucket;
    }
    if (tried_ == 0) return "what padding does to its answers was not tried";
    return absl::StrFormat(
        "a request's answer is the same with padding as without, within %.2g of what rounding may "
        "do",
        worst_);
  }

 private:
  // A request that is padded from a length above `below` to `bucket`. The error's text is
  // the finding.
  absl::Status TryBucket(int64_t below, int64_t bucket) {
    const int64_t length = below + (bucket - below + 1) / 2;
    if (length == bucket) return absl::OkStatus();
    const auto own = Sample(length, bucket);
    if (!own.ok()) return NotKnown(own.status().message());
    TORCHERE_ASSIGN_OR_RETURN(const PaddedLength lengths, LengthOf(method_, *own));
    const std::string what = absl::StrCat("of length ", lengths.own, " padded to ", bucket);
    const auto alone = Run(*own);
    if (!alone.ok()) return NotKnown(RunFailed(lengths.own, alone.status()));
    Arguments padded = *own;
    Pad(method_, lengths, padded);
    auto outputs = Run(std::move(padded));
    if (!outputs.ok()) return NotKnown(RunFailed(bucket, outputs.status()));
    if (absl::Status cut = CutBack(method_, lengths, *outputs); !cut.ok()) return cut;
    if (outputs->size() != alone->size()) return Changes("the number of outputs", what, "");
    for (size_t i = 0; i < alone->size(); ++i) {
      TORCHERE_RETURN_IF_ERROR(Compare((*alone)[i], (*outputs)[i], what));
    }
    ++tried_;
    return absl::OkStatus();
  }

  absl::Status Compare(const NamedValue& alone, const NamedValue& padded, const std::string& what) {
    const std::string output = absl::StrCat("output '", alone.name, "'");
    const std::optional<double> distance = Distance(alone.value, padded.value);
    if (!distance) return Changes(output, what, ": in more than numbers; is it cut under outputs?");
    if (*distance > 1) {
      return Changes(output, what,
                     absl::StrFormat(", by %.3g times what rounding may do; does it use its mask?",
                                     *distance));
    }
    worst_ = std::max(worst_, *distance);
    return absl::OkStatus();
  }

  // Of this length or another below the bucket, not padded, with its masks.
  absl::StatusOr<Arguments> Sample(int64_t length, int64_t bucket) {
    for (const Arguments& sample : given_) {
      const auto own = LengthOfSample(method_, sample);
      if (!own || own->bucket != bucket || own->own == bucket) continue;
      return SamplesAt(method_, own->own, {sample}).front();
    }
    return SampleInputs(AtLength(method_, length), 1, random_);
  }

  absl::StatusOr<NamedValues> Run(Arguments arguments) {
    TORCHERE_ASSIGN_OR_RETURN(NamedValues outputs,
                              model_.Run(method_, std::move(arguments), context_));
    return NameOutputs(method_, std::move(outputs));
  }

  static absl::Status Changes(const std::string& output, const std::string& what,
                              const std::string& how) {
    return absl::UnknownError(
        absl::StrCat("PADDING CHANGES ANSWERS: ", output, " of a request ", what, " differs", how));
  }

  static absl::Status NotKnown(absl::string_view why) {
    return absl::UnknownError(
        absl::StrCat("whether padding changes its answers is not known: ", why));
  }

  static std::string RunFailed(int64_t length, const absl::Status& why) {
    return absl::StrCat("a run of length ", length, " failed: ", why.message());
  }

  const MethodSignature& method_;
  LoadedModel& model_;
  WorkerContext& context_;
  const std::vector<Arguments>& given_;
  // The same samples at every load.
  std::mt19937 random_{21};
  int tried_ = 0;
  double worst_ = 0;
};

}  // namespace

std::vector<int64_t> RunLengths(const MethodSignature& method) {
  return method.padding.buckets.empty() ? std::vector<int64_t>{0} : method.padding.buckets;
}

MethodSignature AtLength(const MethodSignature& method, int64_t length) {
  MethodSignature at = method;
  if (length == 0) return at;
  at.padding.buckets = {length};
  for (const Padding::Input& input : at.padding.inputs) {
    (*at.inputs[input.place].shape)[input.axis] = length;
  }
  for (const Padding::Mask& mask : at.padding.masks) {
    ValueSpec& spec = at.inputs[mask.place];
    spec.type = {};
    spec.shape = Shape{-1, length};
  }
  return at;
}

std::vector<Arguments> SamplesAt(const MethodSignature& method, int64_t length,
                                 const std::vector<Arguments>& given) {
  if (length == 0) return given;
  const MethodSignature at = AtLength(method, length);
  std::vector<Arguments> samples;
  for (const Arguments& sample : given) {
    const auto own = LengthOfSample(at, sample);
    if (own) Pad(at, *own, samples.emplace_back(sample));
  }
  return samples;
}

std::string TryPadding(const MethodSignature& method, LoadedModel& model, WorkerContext& context,
                       Time until, const std::vector<Arguments>& given) {
  return PaddingTester(method, model, context, given).Try(until);
}

}  // namespace torchere
