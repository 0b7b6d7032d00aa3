// SPDX-License-Identifier: Apache-2.0
// DevicePool on a device that does its work only when the test lets it.
#include <algorithm>
#include <atomic>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "server/executor/device_pool.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"
#include "tests/unit/executor/pool_fixture.h"

namespace torchere {
namespace {

constexpr Device kFake{.kind = Device::Kind::kPrivate, .index = 0};

// A pool of one worker of such a device.
struct OnDevice : Fixture {
  explicit OnDevice(FakeModel::Run1 run = Identity, BatchRules rules = {}, int workers = 1)
      : Fixture(std::move(run), workers, std::move(rules), kFake) {}

  // The place of an entry of the device's diary.
  ptrdiff_t When(const std::string& entry) const {
    const std::vector<std::string> diary = device.diary();
    const auto found = std::find(diary.begin(), diary.end(), entry);
    INFO(entry);
    REQUIRE(found != diary.end());
    return std::distance(diary.begin(), found);
  }

  void Submit(Waiter& waiter, float x) {
    Request request = Make(waiter, x);
    REQUIRE(queue->Submit(request).ok());
  }
};

std::vector<float> Answer(Waiter& waiter) {
  const absl::StatusOr<Response> answer = waiter.Wait();
  INFO(answer.status().ToString());
  REQUIRE(answer.ok());
  return Floats(answer->outputs.at(0).value);
}

TEST_CASE("A worker gathers and begins a run while the device is at the one before") {
  OnDevice f;
  std::vector<Waiter> waiters(3);
  f.Submit(waiters[0], 0);
  f.device.AwaitBegun(1);
  f.Submit(waiters[1], 1);
  // Nothing has been run yet.
  f.device.AwaitBegun(2);
  f.Submit(waiters[2], 2);
  f.device.Allow(1);
  CHECK(Answer(waiters[0]) == std::vector<float>{0});
  // Its staging set is free again.
  f.device.AwaitBegun(3);
  f.device.Allow();
  CHECK(Answer(waiters[1]) == std::vector<float>{1});
  CHECK(Answer(waiters[2]) == std::vector<float>{2});
  CHECK(f.When("begin 1") < f.When("run 0"));
  CHECK(f.When("passed 0") < f.When("begin 2"));
  CHECK(f.When("begin 2") < f.When("run 1"));
}

TEST_CASE("A run is answered once its own fence is passed, in order") {
  OnDevice f;
  std::vector<Waiter> waiters(2);
  for (size_t i = 0; i < 2; ++i) {
    f.Submit(waiters[i], static_cast<float>(i));
    f.device.AwaitBegun(static_cast<int64_t>(i) + 1);
  }
  f.device.Allow(1);
  Answer(waiters[0]);
  f.device.Note("first answered");
  f.device.Allow(1);
  Answer(waiters[1]);
  CHECK(f.When("passed 0") < f.When("first answered"));
  CHECK(f.When("first answered") < f.When("run 1"));
  CHECK(f.When("run 1") < f.When("passed 1"));
}

// A batch: one request goes first, those that come meanwhile go together.
TEST_CASE("Requests that run together on a device get their own rows, read behind the fence") {
  OnDevice f(Identity, {.batched = true, .max_rows = 8, .buckets = {8}});
  std::vector<Waiter> first(2), waiters(5);
  f.Submit(first[0], -1);
  f.device.AwaitBegun(1);
  f.Submit(first[1], -1);
  f.device.AwaitBegun(2);
  f.SubmitNumbers(waiters);
  f.device.Allow();
  for (size_t i = 0; i < waiters.size(); ++i) {
    CHECK(Answer(waiters[i]) == std::vector<float>{static_cast<float>(i)});
  }
  for (Waiter& waiter : first) Answer(waiter);
  CHECK(f.device.diary().size() == 9);
}

TEST_CASE("A device answers right under load, whatever is padded, split or refused") {
  OnDevice f(
      [](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
        for (const float x : Floats(*arguments[0])) {
          if (x < 0) return Refuse(absl::StatusCode::kInvalidArgument, "negative", {.reason = "R"});
        }
        return Identity(arguments);
      },
      {.batched = true, .max_rows = 8, .buckets = {2, 8}}, 2);
  f.device.Allow();
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&f, &wrong, c] {
      for (int i = 0; i < 200; ++i) {
        std::vector<float> x(static_cast<size_t>(1 + (c * 7 + i) % 20));
        for (size_t k = 0; k < x.size(); ++k) {
          x[k] = static_cast<float>(c * 100000 + i * 100) + static_cast<float>(k);
        }
        const bool bad = i % 9 == 0;
        if (bad) x[0] = -1;
        Waiter waiter;
        Request request = f.Make(waiter, x);
        if (!f.queue->Submit(request).ok()) {
          ++wrong;
          continue;
        }
        const auto answer = waiter.Wait();
        if (answer.ok() == bad) ++wrong;
        if (answer.ok() && Floats(answer->outputs.at(0).value) != x) ++wrong;
      }
    });
  }
  clients.clear();
  CHECK(wrong == 0);
}

TEST_CASE("What a method returns that does not go by rows is waited for and run one by one") {
  OnDevice f(
      [](const Arguments& arguments) {
        float sum = 0;
        for (const float x : Floats(*arguments[0])) sum += x;
        NamedValues outputs;
        outputs.push_back({"output", Value{FloatTensor({sum, sum, sum})}});
        return absl::StatusOr<NamedValues>(std::move(outputs));
      },
      {.batched = true});
  std::vector<Waiter> first(2), waiters(2);
  f.Submit(first[0], 9);
  f.device.AwaitBegun(1);
  f.Submit(first[1], 9);
  f.device.AwaitBegun(2);
  f.SubmitNumbers(waiters);
  f.device.Allow();
  CHECK(Answer(waiters[0]) == std::vector<float>{0, 0, 0});
  CHECK(Answer(waiters[1]) == std::vector<float>{1, 1, 1});
  for (Waiter& waiter : first) Answer(waiter);
  CHECK(f.When("run 2") < f.When("passed 2"));
}

TEST_CASE("A pool ends once all that the device was given has been answered") {
  OnDevice f;
  std::vector<Waiter> waiters(2);
  f.Submit(waiters[0], 0);
  f.device.AwaitBegun(1);
  f.Submit(waiters[1], 1);
  f.device.AwaitBegun(2);
  std::jthread release([&f] { f.device.Allow(); });
  f.pool.reset();
  f.device.Note("ended");
  CHECK(Answer(waiters[0]) == std::vector<float>{0});
  CHECK(Answer(waiters[1]) == std::vector<float>{1});
  CHECK(f.When("passed 1") < f.When("ended"));
}

TEST_CASE("A stateful model's next run is begun only when the one before has ended") {
  OnDevice f(Identity, {}, 2);
  f.runs.most = 1;
  f.device.Allow();
  std::vector<Waiter> waiters(50);
  f.SubmitNumbers(waiters);
  for (size_t i = 0; i < waiters.size(); ++i) {
    CHECK(Answer(waiters[i]) == std::vector<float>{static_cast<float>(i)});
  }
  for (size_t i = 1; i < waiters.size(); ++i) {
    CHECK(f.When("passed " + std::to_string(i - 1)) < f.When("begin " + std::to_string(i)));
  }
}

absl::Status Lost() {
  return Refuse(absl::StatusCode::kUnavailable, "the device has failed", {.reason = "DEVICE_LOST"});
}

// Both places taken by runs that the device does not do.
struct Busy {
  explicit Busy(OnDevice& f) {
    for (size_t i = 0; i < waiters.size(); ++i) {
      f.Submit(waiters[i], 0);
      f.device.AwaitBegun(static_cast<int64_t>(i) + 1);
    }
  }
  std::vector<Waiter> waiters{2};
};

TEST_CASE("A lost device is told of once, and nobody waits for it any more") {
  OnDevice f;
  int calls = 0;
  f.pool->OnLost([&calls] { ++calls; });
  Busy busy(f);
  std::vector<Waiter> queued(3);
  f.SubmitNumbers(queued);
  f.device.Break(Lost());
  for (std::vector<Waiter>* waiters : {&busy.waiters, &queued}) {
    for (Waiter& waiter : *waiters) {
      const absl::Status status = waiter.Wait().status();
      CHECK(absl::IsUnavailable(status));
      CHECK(DetailsOf(status).reason == "DEVICE_LOST");
      CHECK(DetailsOf(status).metadata.at("model") == "m");
    }
  }
  Waiter late;
  Request request = f.Make(late);
  CHECK(DetailsOf(f.queue->Submit(request)).reason == "DEVICE_LOST");
  request.reply.Send(absl::CancelledError());
  f.pool.reset();
  CHECK(calls == 1);
  CHECK(f.observer.lost == std::vector<std::string>{"privateuseone:0: the device has failed"});
}

TEST_CASE("A device that is lost when a run is begun is not asked again") {
  std::atomic<int> runs = 0;
  OnDevice f(
      [&runs](const Arguments&) -> absl::StatusOr<NamedValues> {
        ++runs;
        return Lost();
      },
      {.batched = true});
  std::vector<Waiter> waiters(1);
  f.SubmitNumbers(waiters);
  CHECK(DetailsOf(waiters[0].Wait().status()).reason == "DEVICE_LOST");
  CHECK(runs == 1);
}

// Runs of so many rows find too little memory.
FakeModel::Run1 FitsRows(size_t most, std::vector<size_t>& tried) {
  return [most, &tried](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
    tried.push_back(Floats(*arguments[0]).size());
    if (tried.back() <= most) return Identity(arguments);
    return Refuse(absl::StatusCode::kResourceExhausted, "too little memory",
                  {.reason = "OUT_OF_MEMORY"});
  };
}

TEST_CASE("A batch that finds too little memory is run again in halves, the unused freed") {
  std::vector<size_t> tried;
  OnDevice f(FitsRows(2, tried), {.batched = true});
  Busy busy(f);
  std::vector<Waiter> waiters(4);
  f.SubmitNumbers(waiters);
  f.device.Allow();
  for (size_t i = 0; i < waiters.size(); ++i) {
    CHECK(Answer(waiters[i]) == std::vector<float>{static_cast<float>(i)});
  }
  for (Waiter& waiter : busy.waiters) Answer(waiter);
  CHECK(tried == std::vector<size_t>{1, 1, 4, 2, 2});
  CHECK(f.When("free unused") > f.When("begin 1"));
}

TEST_CASE("What does not fit in a half either fails alone") {
  std::vector<size_t> tried;
  OnDevice f(FitsRows(2, tried), {.batched = true});
  Busy busy(f);
  Waiter large, small;
  Request first = f.Make(large, std::vector<float>{1, 2, 3});
  REQUIRE(f.queue->Submit(first).ok());
  f.Submit(small, 4);
  f.device.Allow();
  CHECK(DetailsOf(large.Wait().status()).reason == "OUT_OF_MEMORY");
  CHECK(Answer(small) == std::vector<float>{4});
  for (Waiter& waiter : busy.waiters) Answer(waiter);
  CHECK(tried == std::vector<size_t>{1, 1, 4, 3, 1});
}

TEST_CASE("A request that runs alone and finds too little memory is run once more") {
  std::vector<size_t> tried;
  OnDevice f(FitsRows(0, tried));
  Waiter waiter;
  f.Submit(waiter, 1);
  CHECK(DetailsOf(waiter.Wait().status()).reason == "OUT_OF_MEMORY");
  CHECK(tried == std::vector<size_t>{1, 1});
  f.When("free unused");
}

}  // namespace
}  // namespace torchere
