// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "server/executor/guest.h"
#include "tests/support/catch.h"
#include "tests/unit/executor/pool_fixture.h"

namespace torchere {
namespace {

using std::chrono::milliseconds;
using Threads = std::vector<int>;

CostCurve Curve(Duration one_row) {
  CostCurve curve;
  curve.Set(1, one_row);
  return curve;
}

// Notes the threads of each run, in the order in which they begin.
struct Notes {
  FakeModel::Run1 Around(FakeModel::Run1 run) {
    return [this, run = std::move(run)](const Arguments& arguments) {
      {
        const std::lock_guard lock(mutex);
        all.push_back(FakeContext::ThreadsHere());
      }
      return run(arguments);
    };
  }
  std::mutex mutex;
  Threads all;
};

// A pool of two workers and a model that is taken to run 50 ms alone, 27 ms with the
// cores of both.
struct Lending : Notes, Fixture {
  explicit Lending(FakeModel::Run1 run = Identity, BatchRules rules = {})
      : Fixture(Around(std::move(run)), 2, std::move(rules)) {
    queue->SetCurve(Curve(milliseconds(50)), Curve(milliseconds(27)));
  }

  void Submit(Waiter& waiter) {
    Request request = Make(waiter);
    REQUIRE(queue->Submit(request).ok());
  }
  // The threads of a run while nothing else is there.
  int RunOne() {
    Waiter waiter;
    Submit(waiter);
    REQUIRE(waiter.Wait().ok());
    return all.back();
  }
  // Two runs, each of which waits for its brake, one begun after the other.
  void RunAtATime(Brake (&brakes)[2]) {
    std::vector<Waiter> waiters(2);
    for (size_t i = 0; i < 2; ++i) {
      Submit(waiters[i]);
      brakes[i].started.get_future().wait();
    }
    for (Brake& brake : brakes) brake.released.set_value();
    for (Waiter& waiter : waiters) CHECK(waiter.Wait().ok());
  }
};

TEST_CASE("DevicePool lends a run the cores of the workers that are idle") {
  Lending f;
  CHECK(f.RunOne() == 2);
}

TEST_CASE("DevicePool lends a run nothing that is no faster for it") {
  Lending f;
  SECTION("it was not measured with more") { f.queue->SetCurve(Curve(milliseconds(50))); }
  SECTION("more threads are slower") {
    f.queue->SetCurve(Curve(milliseconds(50)), Curve(milliseconds(60)));
  }
  SECTION("it is short") { f.queue->SetCurve(Curve(milliseconds(5)), Curve(milliseconds(3))); }
  CHECK(f.RunOne() == 1);
}

TEST_CASE("DevicePool lends a second run no core that the first uses") {
  Brake brakes[2];
  std::atomic<size_t> begun = 0;
  Lending f([&](const Arguments& arguments) { return brakes[begun++].Run()(arguments); });
  f.RunAtATime(brakes);
  CHECK(f.all == Threads{2, 1});
}

TEST_CASE("A worker has its own threads again after a run that was lent more") {
  Brake brakes[2];
  std::atomic<size_t> begun = 0;
  Lending f([&](const Arguments& arguments) {
    const size_t number = begun++;
    return number == 0 ? Identity(arguments) : brakes[number - 1].Run()(arguments);
  });
  CHECK(f.RunOne() == 2);
  f.queue->SetCurve(Curve(milliseconds(50)));
  // Both workers run at a time: one of them is that of before.
  f.RunAtATime(brakes);
  CHECK(f.all == Threads{2, 1, 1});
}

TEST_CASE("DevicePool lends nothing while more waits, and again when nothing does") {
  Brake brake;
  std::atomic<int> begun = 0;
  Lending f([&](const Arguments& arguments) {
    return begun++ == 0 ? brake.Run()(arguments) : Identity(arguments);
  });
  // One run at a time: the other worker stays idle.
  f.runs.most = 1;
  std::vector<Waiter> waiters(3);
  f.Submit(waiters[0]);
  brake.started.get_future().wait();
  f.Submit(waiters[1]);
  f.Submit(waiters[2]);
  brake.released.set_value();
  for (Waiter& waiter : waiters) CHECK(waiter.Wait().ok());
  CHECK(f.all == Threads{2, 1, 2});
}

TEST_CASE("DevicePool lends nothing while a task may be measuring") {
  Lending f;
  int threads = 0;
  f.pool->RunTask([&](WorkerContext&) { threads = f.RunOne(); });
  CHECK(threads == 1);
  CHECK(f.RunOne() == 2);
}

TEST_CASE("What a run took with a team is no measure of a run without") {
  Lending f;
  f.RunOne();
  // It took microseconds.
  CHECK(f.queue->curve().Of(1) == milliseconds(50));
}

TEST_CASE("A batched method's run without rows is lent nothing: it was not measured") {
  Lending f(Identity, {.batched = true});
  Waiter waiter;
  Request request = f.Make(waiter, std::vector<float>{});
  REQUIRE(f.queue->Submit(request).ok());
  REQUIRE(waiter.Wait().ok());
  CHECK(f.all == Threads{1});
}

TEST_CASE("A guest is lent nothing, and has the threads that every run has") {
  Threads all;
  FakeModel model([&all](const Arguments& arguments) {
    all.push_back(FakeContext::ThreadsHere());
    return Identity(arguments);
  });
  FakeBackend backend;
  Observer observer;
  DevicePool pool(backend, Device{}, 2, observer, 3);
  VersionRuns runs;
  ModelQueue queue(pool, model, runs, Fixture::Patient({}));
  queue.AllowGuest();
  Guest guest(pool);
  // 100 runs on workers let it in.
  for (int i = 0; i <= 100; ++i) {
    if (i == 100) queue.SetCurve(Curve(std::chrono::microseconds(20)), Curve(milliseconds(10)));
    Waiter waiter;
    Request request = RequestFor("m", {1}, waiter);
    request.method = &model.signature().methods[0];
    request.arguments.emplace_back(std::move(request.inputs[0].value));
    REQUIRE(queue.Submit(request).ok());
    if (guest.has_work()) guest.RunBatch();
    REQUIRE(waiter.Wait().ok());
  }
  CHECK(all == Threads(101, 3));
  FakeContext::ThreadsHere() = 1;
}

}  // namespace
}  // namespace torchere
