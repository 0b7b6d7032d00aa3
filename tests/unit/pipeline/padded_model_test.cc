// SPDX-License-Identifier: Apache-2.0
// A model whose model.yaml has `pad`, from its load to its answers.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/mutex.h"
#include "server/executor/guest.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/unit/pipeline/core.h"
#include "tests/unit/pipeline/masked_sum.h"

namespace torchere {
namespace {

constexpr char kPad[] = R"(schema: 1
inputs:
  - {name: x, dtype: FP32, shape: [-1, -1]}
  - {name: mask, dtype: FP32}
pad:
  x: {value: 9, buckets: [4, 8], mask: mask, outputs: [output]}
)";

// A run waits until it is full, of so many rows.
constexpr char kWaitFor[] = "queue: {max_time: 1h}\nbatching: {cut: all, max_delay: 1h, max_rows: ";

using Lengths = std::set<int64_t>;

absl::StatusOr<NamedValues> Sum(const Arguments& arguments) {
  return NamedValues{{"output", {MaskedSum(arguments)}}};
}

// A core whose models take x and mask.
struct PaddedCore : Core {
  PaddedCore() { backend.inputs = {"x", "mask"}; }

  // Sum, which notes the lengths of its runs.
  FakeModel::Run1 NotedSum() {
    return [this](const Arguments& arguments) {
      const MutexLock lock(mutex);
      lengths.insert(std::get<Tensor>(arguments[0]->kind).shape[1]);
      return Sum(arguments);
    };
  }

  Lengths TakeLengths() {
    const MutexLock lock(mutex);
    return std::exchange(lengths, {});
  }

  Mutex mutex;
  Lengths lengths ABSL_GUARDED_BY(mutex);
};

Tensor Rows(const std::vector<float>& items, int64_t rows = 1) {
  Tensor tensor = FloatTensor(items);
  tensor.shape = {rows, static_cast<int64_t>(items.size()) / rows};
  return tensor;
}

Request Make(const Tensor& x, Waiter& waiter) {
  Request request = RequestFor("m", {}, waiter);
  request.inputs[0].value = Value{x};
  return request;
}

const Shape& ShapeOf(const Response& answer) {
  return std::get<Tensor>(answer.outputs.at(0).value.kind).shape;
}

TEST_CASE("Requests of different lengths share a run, and each gets what it would get alone") {
  PaddedCore core;
  REQUIRE(core.Load("m", 1, core.NotedSum(), absl::StrCat(kPad, kWaitFor, 3, "}\n")).ok());
  core.TakeLengths();
  Waiter one, two;
  core.pipeline.Submit(Make(Rows({1, 2}), one));
  core.pipeline.Submit(Make(Rows({1, 2, 3, 4, 5, 6}, 2), two));
  const auto first = one.Wait(), second = two.Wait();
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  CHECK(first->timing.batch_rows == 3);
  CHECK(ShapeOf(*first) == Shape{1, 2});
  CHECK(Floats(first->outputs[0].value) == std::vector<float>{4, 5});
  CHECK(ShapeOf(*second) == Shape{2, 3});
  CHECK(Floats(second->outputs[0].value) == std::vector<float>{7, 8, 9, 19, 20, 21});
  CHECK(core.TakeLengths() == Lengths{4});
}

TEST_CASE("Each bucket has a queue of its own") {
  Waiter in_four, in_eight, refused;
  {
    PaddedCore core;
    REQUIRE(core.Load("m", 1, Sum,
                      absl::StrCat(kPad, "queue: {max_time: 1h, max_rows: 1}\n",
                                   "batching: {cut: all, max_delay: 1h, max_rows: 2}\n"))
                .ok());
    core.pipeline.Submit(Make(Rows({1, 1}), in_four));
    core.pipeline.Submit(Make(Rows({1, 1, 1, 1, 1}), in_eight));
    core.pipeline.Submit(Make(Rows({1, 1, 1}), refused));
    CHECK(DetailsOf(refused.Wait().status()).reason == "QUEUE_FULL");
    // At their end the pools run what waits.
  }
  CHECK(Floats(in_four.Wait()->outputs.at(0).value) == std::vector<float>{3, 3});
  CHECK(Floats(in_eight.Wait()->outputs.at(0).value) == std::vector<float>{6, 6, 6, 6, 6});
}

TEST_CASE("A request of more rows than a run takes is padded, split, joined and cut back") {
  PaddedCore core;
  REQUIRE(core.Load("m", 1, Sum, absl::StrCat(kPad, "batching: {max_rows: 2}\n")).ok());
  Waiter waiter;
  const auto answer = core.Ask(Make(Rows({1, 2, 3, 4, 5}, 5), waiter), waiter);
  REQUIRE(answer.ok());
  CHECK(ShapeOf(*answer) == Shape{5, 1});
  CHECK(Floats(answer->outputs[0].value) == std::vector<float>{2, 4, 6, 8, 10});
}

TEST_CASE("Each length is tried when a padded model is loaded, and run afterwards") {
  PaddedCore core;
  core.backend.files["f"] = core.NotedSum();
  const auto config = ReadModelConfig(core.folder.Write("model.yaml", kPad));
  REQUIRE(config.ok());
  const auto version = core.loader.Load("f", *config);
  REQUIRE(version.ok());
  // Lengths 2 and 6 are those that are compared with and without padding.
  CHECK(core.TakeLengths() == Lengths{2, 4, 6, 8});
  const std::vector<std::string> findings = (*version)->findings();
  REQUIRE(findings.size() == 3);
  CHECK(absl::StartsWith(findings[0],
                         "method 'forward' is padded to 4, 8: a request's answer is the same"));
  CHECK(absl::StartsWith(findings[1], "method 'forward' is batched at length 4: a row's answer"));
  CHECK(absl::StartsWith(findings[2], "method 'forward' is batched at length 8: a row's answer"));
  const MethodSignature& forward = (*version)->signature().methods.front();
  CHECK(forward.batched);
  CHECK_FALSE((*version)->run_costs(forward).empty());
}

TEST_CASE("A request runs at the next bucket of its length, with its own mask or with one made") {
  PaddedCore core;
  REQUIRE(core.Load("m", 1, core.NotedSum(), kPad).ok());
  core.TakeLengths();
  for (const size_t length : {1, 4, 5, 8}) {
    Waiter waiter;
    const auto answer = core.Ask(Make(Rows(std::vector<float>(length, 1)), waiter), waiter);
    REQUIRE(answer.ok());
    CHECK(Floats(answer->outputs[0].value) ==
          std::vector<float>(length, 1 + static_cast<float>(length)));
    CHECK(core.TakeLengths() == Lengths{length <= 4 ? 4 : 8});
  }
  Waiter waiter;
  Request request = Make(Rows({1, 2, 3}), waiter);
  request.inputs.push_back({"mask", {Rows({0, 1, 0})}});
  const auto answer = core.Ask(std::move(request), waiter);
  REQUIRE(answer.ok());
  CHECK(Floats(answer->outputs[0].value) == std::vector<float>{3, 4, 5});
}

TEST_CASE("A request longer than the last bucket is refused by name") {
  PaddedCore core;
  REQUIRE(core.Load("m", 1, Sum, kPad).ok());
  Waiter waiter;
  const absl::Status status =
      core.Ask(Make(Rows(std::vector<float>(9, 1)), waiter), waiter).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(DetailsOf(status).reason == "SHAPE_MISMATCH");
  CHECK(status.message() ==
        "model 'm' version 1: input 'x': expected shape [any, 1 to 8], got [1, 9]");
}

TEST_CASE("A request without rows runs alone at the bucket of its length") {
  PaddedCore core;
  REQUIRE(core.Load("m", 1, core.NotedSum(), kPad).ok());
  core.TakeLengths();
  Waiter waiter;
  Tensor x = Rows({});
  x.shape = {0, 5};
  const auto answer = core.Ask(Make(x, waiter), waiter);
  INFO(answer.status());
  REQUIRE(answer.ok());
  CHECK(ShapeOf(*answer) == Shape{0, 5});
  CHECK(core.TakeLengths() == Lengths{8});
}

TEST_CASE("A request of more rows than may ever wait is refused before it is padded") {
  struct : TicketOffice {
    absl::Status Exchange(int64_t, int64_t) override {
      was_asked = true;
      return absl::OkStatus();
    }
    void Return(int64_t) override {}
    bool was_asked = false;
  } office;
  PaddedCore core;
  REQUIRE(core.Load("m", 1, Sum, absl::StrCat(kPad, "queue: {max_rows: 3}\n")).ok());
  Waiter waiter, others;
  REQUIRE(core.Ask(Make(Rows({1, 2, 3}, 3), others), others).ok());
  Request request = Make(Rows({1, 2, 3, 4}, 4), waiter);
  request.ticket = Ticket(office, 16);
  const absl::Status status = core.Ask(std::move(request), waiter).status();
  CHECK(DetailsOf(status).reason == "LIMIT_EXCEEDED");
  CHECK(status.message() == "model 'm' version 1: the request has 4 rows; at most 3 are taken");
  CHECK_FALSE(office.was_asked);
}

TEST_CASE("A padded model on several devices answers on each") {
  PaddedCore core;
  FakeDevice device;
  device.Allow();
  core.backend.there.push_back({Device::Kind::kCuda, 0});
  core.backend.device = &device;
  REQUIRE(core.Load("m", 1, Sum, absl::StrCat(kPad, "devices: [cuda:0, cpu]\n")).ok());
  for (const size_t length : {3, 7}) {
    Waiter waiter;
    const auto answer = core.Ask(Make(Rows(std::vector<float>(length, 2)), waiter), waiter);
    REQUIRE(answer.ok());
    CHECK(Floats(answer->outputs[0].value) ==
          std::vector<float>(length, 2 + 2 * static_cast<float>(length)));
  }
}

TEST_CASE("What runs take is known by the length, so that a guest may run them") {
  PaddedCore core;
  core.backend.is_straight = true;
  REQUIRE(core.Load("m", 1, Sum, kPad).ok());
  // Workers first show that it ends.
  for (int i = 0; i < 100; ++i) {
    Waiter waiter;
    REQUIRE(core.Ask(Make(Rows({1, 2}), waiter), waiter).ok());
  }
  Guest guest(*core.pools.Find({}));
  Waiter waiter;
  core.pipeline.Submit(Make(Rows({1, 2, 3}), waiter));
  REQUIRE(guest.has_work());
  guest.RunBatch();
  CHECK(Floats(waiter.Wait()->outputs.at(0).value) == std::vector<float>{7, 8, 9});
}

TEST_CASE("Where requests of one length may not run together, those of none do") {
  PaddedCore core;
  // At length 8 its rows see each other.
  const auto run = [](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
    auto outputs = Sum(arguments);
    Tensor& output = std::get<Tensor>(outputs->front().value.kind);
    if (output.shape[1] != 8) return outputs;
    std::vector<float> items = Floats(outputs->front().value);
    std::sort(items.begin(), items.end());
    output.data = FloatTensor(items).data;
    return outputs;
  };
  core.backend.files["f"] = run;
  const auto config = ReadModelConfig(core.folder.Write("model.yaml", kPad));
  REQUIRE(config.ok());
  const auto version = core.loader.Load("f", *config);
  REQUIRE(version.ok());
  CHECK_FALSE((*version)->signature().methods.front().batched);
  const std::vector<std::string> findings = (*version)->findings();
  REQUIRE(findings.size() == 3);
  CHECK(absl::StartsWith(findings[1],
                         "method 'forward' is not batched at length 4, since it is not at another "
                         "length or device"));
  CHECK(absl::StartsWith(findings[2],
                         "method 'forward' is not batched at length 8: output 'output' of a row "
                         "changes"));
}

}  // namespace
}  // namespace torchere
