// SPDX-License-Identifier: Apache-2.0
#include "server/executor/device_pool.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/in_process.h"
#include "tests/unit/executor/pool_fixture.h"

namespace torchere {
namespace {

// The numbers from 0 on, but for -1 in the place of 1.
void SubmitOneNegative(Fixture& f, std::vector<Waiter>& waiters) {
  for (size_t i = 0; i < waiters.size(); ++i) {
    Request request = f.Make(waiters[i], i == 1 ? -1.0F : static_cast<float>(i));
    REQUIRE(f.queue->Submit(request).ok());
  }
}

TEST_CASE("DevicePool answers every request exactly once, from many threads") {
  Fixture f(Identity, 4);
  std::vector<std::jthread> clients;
  std::atomic<int> right = 0;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&f, &right, c] {
      for (int i = 0; i < 200; ++i) {
        Waiter waiter;
        const auto x = static_cast<float>(c * 1000 + i);
        Request request = f.Make(waiter, x);
        if (!f.queue->Submit(request).ok()) continue;
        const auto answer = waiter.Wait();
        if (answer.ok() && Floats(answer->outputs.at(0).value) == std::vector<float>{x}) ++right;
      }
    });
  }
  clients.clear();
  CHECK(right == 800);
}

TEST_CASE("DevicePool tells where a request's time went") {
  Fixture f(Identity);
  Waiter waiter;
  Request request = f.Make(waiter);
  REQUIRE(f.queue->Submit(request).ok());
  const auto answer = waiter.Wait();
  REQUIRE(answer.ok());
  CHECK(answer->timing.queue >= Duration::zero());
  CHECK(answer->timing.total >= answer->timing.queue + answer->timing.compute);
  CHECK(answer->timing.batch_rows == 0);
  CHECK(answer->model.version == 3);
}

TEST_CASE("DevicePool passes a model's error on with the model's name, and logs INTERNAL ones") {
  absl::Status error;
  Fixture f([&error](const Arguments&) -> absl::StatusOr<NamedValues> { return error; });
  Waiter waiter;
  Request request = f.Make(waiter);
  SECTION("one that the model raised") {
    error = Refuse(absl::StatusCode::kInvalidArgument, "no", {.reason = "MODEL_REJECTED"});
    REQUIRE(f.queue->Submit(request).ok());
    const absl::Status status = waiter.Wait().status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(DetailsOf(status).metadata.at("model") == "m");
    CHECK(DetailsOf(status).metadata.at("version") == "3");
    CHECK(status.message().find("model 'm' version 3") == 0);
    CHECK(f.observer.texts.empty());
  }
  SECTION("one inside it: the log has the text, the caller its id alone") {
    error =
        WithLogText(Refuse(absl::StatusCode::kInternal, "it failed", {.reason = "MODEL_FAILED"}),
                    "secret source line");
    request.context.id = 0xabc;
    REQUIRE(f.queue->Submit(request).ok());
    const absl::Status status = waiter.Wait().status();
    CHECK(absl::IsInternal(status));
    CHECK(status.message().find("0000000000000abc") != absl::string_view::npos);
    CHECK(status.message().find("secret") == absl::string_view::npos);
    CHECK(LogTextOf(status).empty());
    CHECK(f.observer.texts == std::vector<std::string>{"secret source line"});
  }
}

// Holds the only worker until the test has queued what is to run next.
struct Held {
  explicit Held(Fixture& f) {
    Request first = f.Make(waiter);
    REQUIRE(f.queue->Submit(first).ok());
  }
  Waiter waiter;
};

TEST_CASE("DevicePool runs what was queued together, and each caller gets its own rows") {
  Brake brake;
  const FakeModel::Run1 braked = brake.Run();
  std::vector<size_t> sizes;
  Fixture f(
      [&](const Arguments& arguments) {
        sizes.push_back(Floats(*arguments[0]).size());
        return sizes.size() == 1 ? braked(arguments) : Identity(arguments);
      },
      1, {.batched = true, .max_rows = 8, .buckets = {8}});
  Held held(f);
  brake.started.get_future().wait();
  std::vector<Waiter> waiters(5);
  f.SubmitNumbers(waiters);
  brake.released.set_value();
  for (size_t i = 0; i < waiters.size(); ++i) {
    const auto answer = waiters[i].Wait();
    REQUIRE(answer.ok());
    CHECK(Floats(answer->outputs.at(0).value) == std::vector<float>{static_cast<float>(i)});
    CHECK(answer->timing.batch_rows == 8);
  }
  CHECK(sizes == std::vector<size_t>{8, 8});
}

TEST_CASE("What is to be invariant runs with as many rows always, also again after a failure") {
  std::vector<size_t> sizes;
  Brake brake;
  const FakeModel::Run1 braked = brake.Run();
  Fixture f(
      [&](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
        const std::vector<float> x = Floats(*arguments[0]);
        sizes.push_back(x.size());
        if (sizes.size() == 1) return braked(arguments);
        for (const float one : x) {
          if (one < 0) return absl::InvalidArgumentError("negative");
        }
        return Identity(arguments);
      },
      1, {.batched = true, .max_rows = 4, .buckets = {4}, .invariant = true});
  Held held(f);
  brake.started.get_future().wait();
  std::vector<Waiter> waiters(3);
  SubmitOneNegative(f, waiters);
  brake.released.set_value();
  CHECK(Floats(waiters[0].Wait()->outputs.at(0).value) == std::vector<float>{0});
  CHECK(absl::IsInvalidArgument(waiters[1].Wait().status()));
  const auto last = waiters[2].Wait();
  REQUIRE(last.ok());
  CHECK(Floats(last->outputs.at(0).value) == std::vector<float>{2});
  CHECK(last->timing.batch_rows == 4);
  CHECK(sizes == std::vector<size_t>(5, 4));
}

TEST_CASE("A bad request fails alone: those beside it are answered") {
  Brake brake;
  const FakeModel::Run1 braked = brake.Run();
  std::atomic<int> runs = 0;
  Fixture f(
      [&](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
        if (runs++ == 0) return braked(arguments);
        for (const float x : Floats(*arguments[0])) {
          if (x < 0) return Refuse(absl::StatusCode::kInvalidArgument, "negative", {.reason = "R"});
        }
        return Identity(arguments);
      },
      1, {.batched = true});
  Held held(f);
  brake.started.get_future().wait();
  std::vector<Waiter> waiters(3);
  SubmitOneNegative(f, waiters);
  brake.released.set_value();
  CHECK(Floats(waiters[0].Wait()->outputs.at(0).value) == std::vector<float>{0});
  CHECK(DetailsOf(waiters[1].Wait().status()).reason == "R");
  CHECK(Floats(waiters[2].Wait()->outputs.at(0).value) == std::vector<float>{2});
  CHECK(runs == 5);
}

TEST_CASE("A method whose outputs do not go by rows is run request by request") {
  Brake brake;
  const FakeModel::Run1 braked = brake.Run();
  std::atomic<int> runs = 0;
  Fixture f(
      [&](const Arguments& arguments) -> absl::StatusOr<NamedValues> {
        if (runs++ == 0) return braked(arguments);
        const auto x = Floats(*arguments[0]);
        return NamedValues{{"output", {static_cast<double>(x[0])}}};
      },
      1, {.batched = true});
  Held held(f);
  brake.started.get_future().wait();
  std::vector<Waiter> waiters(2);
  f.SubmitNumbers(waiters);
  brake.released.set_value();
  for (size_t i = 0; i < waiters.size(); ++i) {
    const auto answer = waiters[i].Wait();
    REQUIRE(answer.ok());
    CHECK(std::get<double>(answer->outputs.at(0).value.kind) == static_cast<double>(i));
  }
}

TEST_CASE("A request of more rows than a run takes is split and joined again") {
  Fixture f(Identity, 2, {.batched = true, .max_rows = 4});
  Waiter waiter;
  Request request = f.Make(waiter);
  std::vector<float> x(21);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  request.arguments[0] = Value{FloatTensor(x)};
  REQUIRE(f.queue->Submit(request).ok());
  const auto answer = waiter.Wait();
  REQUIRE(answer.ok());
  CHECK(Floats(answer->outputs.at(0).value) == x);
}

TEST_CASE("A model with a limit of one run is never run twice at a time") {
  std::atomic<int> inside = 0, most = 0;
  Fixture f(
      [&](const Arguments& arguments) {
        most = std::max(most.load(), ++inside);
        std::this_thread::yield();
        --inside;
        return Identity(arguments);
      },
      4);
  f.runs.most = 1;
  std::vector<Waiter> waiters(200);
  for (Waiter& waiter : waiters) {
    Request request = f.Make(waiter);
    REQUIRE(f.queue->Submit(request).ok());
  }
  for (Waiter& waiter : waiters) CHECK(waiter.Wait().ok());
  CHECK(most == 1);
}

TEST_CASE("What a model's limit makes wait is refused if its deadline does not allow it") {
  Brake brake;
  Fixture f(brake.Run(), 2);
  f.runs.most = 1;
  CostCurve curve;
  curve.Set(1, std::chrono::seconds(100));
  f.queue->SetCurve(std::move(curve));
  Waiter runs, waits;
  Request first = f.Make(runs);
  REQUIRE(f.queue->Submit(first).ok());
  brake.started.get_future().wait();
  Request second = f.Make(waits);
  second.context.deadline = Now() + std::chrono::seconds(50);
  CHECK(DetailsOf(f.queue->Submit(second)).reason == "QUEUE_TOO_LONG");
  brake.released.set_value();
  CHECK(runs.Wait().ok());
}

TEST_CASE("The queues of one version take turns") {
  std::mutex mutex;
  std::string order;
  Brake brake;
  Fixture f(brake.Run());
  FakeModel other([&](const Arguments& arguments) {
    const std::lock_guard lock(mutex);
    order += Floats(*arguments[0])[0] == 1 ? 'a' : 'b';
    return Identity(arguments);
  });
  VersionRuns runs;
  ModelQueue a(*f.pool, other, runs, Fixture::Patient({}));
  ModelQueue b(*f.pool, other, runs, Fixture::Patient({}));
  Waiter first;
  Request blocks = f.Make(first);
  REQUIRE(f.queue->Submit(blocks).ok());
  brake.started.get_future().wait();
  std::vector<Waiter> waiters(6);
  for (size_t i = 0; i < waiters.size(); ++i) {
    Request request = f.Make(waiters[i], i < 3 ? 1 : 2);
    REQUIRE((i < 3 ? a : b).Submit(request).ok());
  }
  brake.released.set_value();
  for (Waiter& waiter : waiters) CHECK(waiter.Wait().ok());
  CHECK(first.Wait().ok());
  CHECK(order == "ababab");
}

TEST_CASE("DevicePool does a task on a worker and waits for its end") {
  Fixture f(Identity);
  std::thread::id worker;
  f.pool->RunTask([&worker](WorkerContext&) { worker = std::this_thread::get_id(); });
  CHECK(worker != std::thread::id());
  CHECK(worker != std::this_thread::get_id());
}

TEST_CASE("DevicePool answers right under load, whatever is cancelled, padded or split") {
  Fixture f(Identity, 3, {.batched = true, .max_rows = 8, .buckets = {2, 8}});
  std::vector<std::jthread> clients;
  std::atomic<int> wrong = 0, answered = 0;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&f, &wrong, &answered, c] {
      for (int i = 0; i < 200; ++i) {
        Waiter waiter;
        std::vector<float> x(static_cast<size_t>(1 + (c * 7 + i) % 20));
        for (size_t k = 0; k < x.size(); ++k)
          x[k] = static_cast<float>(c * 100000 + i * 100) + static_cast<float>(k);
        Request request = f.Make(waiter);
        request.arguments[0] = Value{FloatTensor(x)};
        if (i % 5 == 0) request.context.deadline = Now() + std::chrono::microseconds(300);
        if (!f.queue->Submit(request).ok()) continue;
        if (i % 7 == 0) {
          waiter.Abandon();
          f.pool->GiveUpDead();
        }
        const auto answer = waiter.Wait();
        if (!answer.ok()) continue;
        ++answered;
        if (Floats(answer->outputs.at(0).value) != x) ++wrong;
      }
    });
  }
  clients.clear();
  CHECK(wrong == 0);
  CHECK(answered > 800);
}

TEST_CASE("DevicePool gives up what is dead in its queues while a worker is busy") {
  Brake brake;
  Fixture f(brake.Run());
  Waiter running, dead;
  Request first = f.Make(running);
  REQUIRE(f.queue->Submit(first).ok());
  brake.started.get_future().wait();
  Request second = f.Make(dead);
  REQUIRE(f.queue->Submit(second).ok());
  dead.Abandon();
  f.pool->GiveUpDead();
  CHECK(absl::IsDeadlineExceeded(dead.Wait().status()));
  brake.released.set_value();
  CHECK(running.Wait().ok());
}

TEST_CASE("DevicePool runs what still waits before it ends") {
  Brake brake;
  const FakeModel::Run1 braked = brake.Run();
  std::atomic<int> runs = 0;
  Fixture f([&](const Arguments& arguments) {
    return runs++ == 0 ? braked(arguments) : Identity(arguments);
  });
  Waiter running, waiting;
  Request first = f.Make(running);
  REQUIRE(f.queue->Submit(first).ok());
  brake.started.get_future().wait();
  Request second = f.Make(waiting);
  REQUIRE(f.queue->Submit(second).ok());
  brake.released.set_value();
  f.pool.reset();
  CHECK(running.Wait().ok());
  CHECK(waiting.Wait().ok());
}

}  // namespace
}  // namespace torchere
