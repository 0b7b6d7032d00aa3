// SPDX-License-Identifier: Apache-2.0
#include "server/pipeline/warm_up.h"

#include <chrono>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/fake_backend.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

using Mode = BatchingConfig::Mode;

// x of [-1] FP32.
MethodSignature Declared() {
  MethodSignature method;
  method.name = "forward";
  ValueSpec& x = method.inputs.emplace_back();
  x.name = "x";
  x.dtype = DType::kFp32;
  x.shape = Shape{-1};
  method.outputs.emplace_back().name = "output";
  return method;
}

Trial Try(FakeModel::Run1 run, const BatchingConfig& config = {},
          const MethodSignature& method = Declared()) {
  FakeModel model(std::move(run));
  WorkerContext context;
  return TryMethod(method, model, context, config, std::chrono::hours(1));
}

TEST_CASE("TryMethod proves a method whose rows do not see each other, and measures it") {
  std::set<size_t> sizes;
  const Trial trial = Try([&sizes](const Arguments& arguments) {
    sizes.insert(Floats(*arguments[0]).size());
    return Identity(arguments);
  });
  INFO(trial.finding);
  CHECK(trial.batched);
  CHECK(sizes.count(1) == 1);
  CHECK(sizes.count(2) == 1);
  REQUIRE(trial.curve.points().size() > 1);
  CHECK(trial.curve.points().front().rows == 1);
}

TEST_CASE("TryMethod tries the buckets where there are some") {
  std::set<size_t> sizes;
  const Trial trial = Try(
      [&sizes](const Arguments& arguments) {
        sizes.insert(Floats(*arguments[0]).size());
        return Identity(arguments);
      },
      {.max_rows = 5, .buckets = {3, 5}});
  CHECK(trial.batched);
  CHECK(sizes == std::set<size_t>{1, 3, 5});
}

// Larger runs are slower by far: nothing is gained by them.
absl::StatusOr<NamedValues> Dear(const Arguments& arguments) {
  const size_t rows = Floats(*arguments[0]).size();
  const Time until = Now() + std::chrono::microseconds(20) * rows * rows;
  while (Now() < until) continue;
  return Identity(arguments);
}

TEST_CASE("TryMethod tries no more rows where they do not pay, unless all that wait are to run") {
  const Trial best = Try(Dear, {.max_rows = 32});
  CHECK(best.curve.points().back().rows < 32);
  const Trial all = Try(Dear, {.cut = BatchingConfig::Cut::kAll, .max_rows = 32});
  CHECK(all.curve.points().back().rows == 32);
}

TEST_CASE("TryMethod proves nothing by single rows") {
  CHECK_FALSE(Try(Identity, {.max_rows = 1}).batched);
  CHECK_FALSE(Try(Identity, {.max_rows = 1, .buckets = {1}}).batched);
}

TEST_CASE("TryMethod tries one batch however little time there is") {
  FakeModel model(Identity);
  WorkerContext context;
  const Trial trial =
      TryMethod(Declared(), model, context, {.max_rows = 8, .buckets = {1, 8}}, Duration::zero());
  CHECK(trial.batched);
  CHECK(trial.curve.points().back().rows == 8);
}

// Runs that are long enough to be lent cores, and the threads that each had.
struct LongRuns {
  Trial Try(const BatchingConfig& config, const Cores& cores,
            Duration time = std::chrono::hours(1)) {
    return TryMethod(Declared(), model, context, config, time, {}, cores);
  }

  std::vector<int> threads;
  Duration length = kLeastLent;
  FakeModel model{[this](const Arguments& arguments) {
    threads.push_back(FakeContext::ThreadsHere());
    const Time until = Now() + length;
    while (Now() < until) continue;
    return Identity(arguments);
  }};
  FakeContext context{nullptr};
};

TEST_CASE("TryMethod measures long runs with all cores too") {
  LongRuns runs;
  const Trial trial = runs.Try({.max_rows = 1}, {.all = 4});
  CHECK(runs.threads == std::vector<int>{1, 1, 4, 4, 4});
  CHECK(FakeContext::ThreadsHere() == 1);
  CHECK(trial.with_all.points().size() == 1);
  CHECK(trial.with_all.Of(1) >= kLeastLent);
}

TEST_CASE("TryMethod measures one row with all cores however little time there is, and no more") {
  LongRuns runs;
  const Trial trial = runs.Try({.max_rows = 2}, {.all = 4}, Duration::zero());
  CHECK(trial.with_all.points().size() == 1);
  CHECK(trial.curve.points().size() == 2);
}

TEST_CASE("TryMethod measures nothing with all cores that would not be lent them") {
  LongRuns runs;
  BatchingConfig config = {.max_rows = 2};
  Cores cores = {.all = 4};
  SECTION("there is one core") { cores = {}; }
  SECTION("runs are short") { runs.length = Duration::zero(); }
  SECTION("answers must be bit-equal") {
    config = {.max_rows = 2, .buckets = {2}, .invariant = true};
  }
  const Trial trial = runs.Try(config, cores);
  CHECK(trial.with_all.empty());
  for (const int number : runs.threads) CHECK(number == 1);
}

TEST_CASE("TryMethod refutes a method whose rows see each other") {
  FakeModel::Run1 run;
  std::string finding;
  SECTION("a row's answer changes with the rows beside it") {
    run = [](const Arguments& arguments) {
      auto x = Floats(*arguments[0]);
      float sum = 0;
      for (const float one : x) sum += one;
      for (float& one : x) one = sum;
      return absl::StatusOr<NamedValues>(NamedValues{{"output", {FloatTensor(x)}}});
    };
    finding = "changes with the rows beside it";
  }
  SECTION("the answers come in another order") {
    run = [](const Arguments& arguments) {
      auto x = Floats(*arguments[0]);
      std::sort(x.begin(), x.end());
      return absl::StatusOr<NamedValues>(NamedValues{{"output", {FloatTensor(x)}}});
    };
    finding = "changes with the rows beside it";
  }
  SECTION("there is one answer for all rows") {
    run = [](const Arguments&) {
      return absl::StatusOr<NamedValues>(NamedValues{{"output", {FloatTensor({1})}}});
    };
    finding = "does not go by the rows";
  }
  SECTION("a batch fails") {
    run = [](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
      if (Floats(*arguments[0]).size() > 1) return absl::InvalidArgumentError("one row only");
      return Identity(arguments);
    };
    finding = "a run of 2 rows failed: one row only";
  }
  const Trial trial = Try(run);
  CHECK_FALSE(trial.batched);
  CHECK(trial.finding.find(finding) != std::string::npos);
  CHECK_FALSE(trial.curve.empty());
}

const BatchingConfig kInvariant = {.max_rows = 4, .buckets = {4}, .invariant = true};

TEST_CASE("TryMethod proves invariance by every place of a full batch") {
  std::set<size_t> sizes;
  const Trial trial = Try(
      [&sizes](const Arguments& arguments) {
        sizes.insert(Floats(*arguments[0]).size());
        return Identity(arguments);
      },
      kInvariant);
  INFO(trial.finding);
  CHECK(trial.batched);
  CHECK(trial.finding.find("bit-equal at any place in a batch of 4 rows") != std::string::npos);
  CHECK(sizes == std::set<size_t>{1, 4});
  CHECK(trial.curve.points().back().rows == 4);
}

TEST_CASE("TryMethod takes no rounding for invariance") {
  const auto last_place_differs = [](const Arguments& arguments) {
    auto x = Floats(*arguments[0]);
    if (x.size() > 1) x.back() *= 1 + 1e-6F;
    return absl::StatusOr<NamedValues>(NamedValues{{"output", {FloatTensor(x)}}});
  };
  CHECK(Try(last_place_differs).batched);
  CHECK_FALSE(Try(last_place_differs, kInvariant).batched);
}

TEST_CASE("TryMethod takes model.yaml's word for it") {
  const auto first = [](const Arguments&) {
    return absl::StatusOr<NamedValues>(NamedValues{{"output", {FloatTensor({1})}}});
  };
  CHECK(Try(first, {.mode = Mode::kOn}).batched);
  const Trial off = Try(Identity, {.mode = Mode::kOff});
  CHECK_FALSE(off.batched);
  CHECK(off.curve.points().size() == 1);
}

// Rows of x, from `first` on.
Arguments Rows(int64_t count, float first) {
  std::vector<float> items(static_cast<size_t>(count));
  std::iota(items.begin(), items.end(), first);
  Arguments arguments(1);
  arguments[0] = Value{FloatTensor(items)};
  return arguments;
}

Trial TrySamples(FakeModel::Run1 run, const std::vector<Arguments>& samples,
                 const BatchingConfig& config = {}) {
  MethodSignature method = Declared();
  // Nothing is declared.
  method.inputs[0].dtype.reset();
  method.inputs[0].shape.reset();
  FakeModel model(std::move(run));
  WorkerContext context;
  return TryMethod(method, model, context, config, std::chrono::hours(1), samples);
}

TEST_CASE("TryMethod runs what it is given, and proves rows by it where nothing is declared") {
  std::set<float> seen;
  std::set<size_t> sizes;
  const auto run = [&](const Arguments& arguments) {
    const std::vector<float> x = Floats(*arguments[0]);
    seen.insert(x.begin(), x.end());
    sizes.insert(x.size());
    return Identity(arguments);
  };
  const Trial trial = TrySamples(run, {Rows(3, 10), Rows(2, 20)}, {.max_rows = 8});
  INFO(trial.finding);
  CHECK(trial.batched);
  CHECK(trial.curve.points().back().rows == 8);
  CHECK(seen == std::set<float>{10, 11, 12, 20, 21});
  CHECK(sizes == std::set<size_t>{1, 2, 3, 4, 8});
}

TEST_CASE("TryMethod proves nothing by too few different rows, or by rows that see each other") {
  CHECK_FALSE(TrySamples(Identity, {Rows(3, 0)}).batched);
  CHECK(TrySamples(Identity, {Rows(3, 0)}).finding.find("have 3 different rows; give 4 or more") !=
        std::string::npos);
  Arguments same(1);
  same[0] = Value{FloatTensor({7, 7, 7, 7, 7})};
  CHECK_FALSE(TrySamples(Identity, {same}).batched);
  const auto sum = [](const Arguments& arguments) {
    auto x = Floats(*arguments[0]);
    for (float& one : x) one += static_cast<float>(x.size());
    return absl::StatusOr<NamedValues>(NamedValues{{"output", {FloatTensor(x)}}});
  };
  CHECK_FALSE(TrySamples(sum, {Rows(6, 0)}).batched);
}

TEST_CASE("TryMethod runs a sample without rows as it is") {
  Arguments arguments(1);
  arguments[0] = Value{int64_t{5}};
  int runs = 0;
  const auto run = [&runs](const Arguments& given) {
    ++runs;
    return Identity(given);
  };
  const Trial trial = TrySamples(run, {arguments});
  CHECK_FALSE(trial.batched);
  CHECK(trial.curve.points().size() == 1);
  CHECK(runs > 1);
}

TEST_CASE("TryMethod says what is missing where it cannot try") {
  MethodSignature method = Declared();
  std::string missing;
  SECTION("no declared dtype and shape") {
    method.inputs[0].dtype.reset();
    missing = "input 'x' has no declared dtype and shape";
  }
  SECTION("no free first dimension") {
    method.inputs[0].shape = Shape{1};
    missing = "an input has no free first dimension";
  }
  SECTION("an argument that no sample can be made of") {
    ValueSpec& text = method.inputs.emplace_back();
    text.name = "text";
    text.type.kind = ValueType::Kind::kText;
    text.type.text = "str";
    missing = "input 'text' of type str has no default";
  }
  const Trial trial = Try(Identity, {}, method);
  CHECK_FALSE(trial.batched);
  CHECK(trial.finding.find(missing) != std::string::npos);
}

}  // namespace
}  // namespace torchere
