// SPDX-License-Identifier: Apache-2.0
#include "server/executor/guest.h"

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/fake_backend.h"
#include "tests/support/in_process.h"

namespace torchere {
namespace {

using std::chrono::microseconds;

// A pool of one worker, its guest on this thread, and a model that notes the
// thread of each run.
struct Fixture {
  Fixture() { queue.AllowGuest(); }

  // From now on a run is taken to last so long.
  void SetRunTime(Duration time) {
    CostCurve curve;
    curve.Set(1, time);
    queue.SetCurve(std::move(curve));
  }
  absl::StatusOr<NamedValues> Run(const Arguments& arguments) {
    const std::lock_guard lock(mutex);
    threads.push_back(std::this_thread::get_id());
    if (fails) return absl::InvalidArgumentError("no");
    return Identity(arguments);
  }

  // Submits a request from this thread.
  Waiter& Submit() {
    waiters.push_back(std::make_unique<Waiter>());
    Waiter& waiter = *waiters.back();
    Request request = RequestFor("m", {1}, waiter);
    request.method = &model.signature().methods[0];
    request.arguments.emplace_back(std::move(request.inputs[0].value));
    REQUIRE(queue.Submit(request).ok());
    return waiter;
  }
  // 100 clean runs let the guest in.
  void RunOnWorkers(int count) {
    for (int i = 0; i < count; ++i) REQUIRE(Submit().Wait().ok());
  }
  std::thread::id LastThread() {
    const std::lock_guard lock(mutex);
    return threads.back();
  }

  std::mutex mutex;
  bool fails = false;
  std::vector<std::thread::id> threads;
  std::vector<std::unique_ptr<Waiter>> waiters;
  FakeBackend backend;
  Observer observer;
  FakeModel model{[this](const Arguments& arguments) { return Run(arguments); }};
  DevicePool pool{backend, Device{}, 1, observer};
  VersionRuns runs;
  ModelQueue queue{pool, model, runs, {.max_time = std::chrono::hours(1)}};
};

// Keeps the pool's worker busy: it may still be on its way back from the last run,
// and would take what is then kept for the guest.
class HeldWorker {
 public:
  explicit HeldWorker(DevicePool& pool)
      : caller_([this, &pool] {
          pool.RunTask([this](WorkerContext&) {
            held_.set_value();
            released_.get_future().wait();
          });
        }) {
    held_.get_future().wait();
  }
  ~HeldWorker() { released_.set_value(); }

 private:
  std::promise<void> held_;
  std::promise<void> released_;
  std::jthread caller_;
};

const std::thread::id kThisThread = std::this_thread::get_id();

TEST_CASE("A guest runs what its thread has submitted, once workers have run enough of it") {
  Fixture f;
  Guest guest(f.pool);
  f.RunOnWorkers(100);
  f.SetRunTime(microseconds(20));
  CHECK(f.LastThread() != kThisThread);
  const HeldWorker held(f.pool);
  CHECK_FALSE(guest.has_work());
  f.Submit();
  CHECK(guest.has_work());
  guest.RunBatch();
  CHECK_FALSE(guest.has_work());
  CHECK(f.waiters.back()->Wait().ok());
  CHECK(f.LastThread() == kThisThread);
}

TEST_CASE("A guest leaves to the workers what others have submitted") {
  Fixture f;
  Guest guest(f.pool);
  f.RunOnWorkers(100);
  f.SetRunTime(microseconds(20));
  std::jthread([&f] { f.RunOnWorkers(1); });
  CHECK(f.LastThread() != kThisThread);
}

TEST_CASE("A guest leaves to the workers what takes long, and what was never measured") {
  Fixture f;
  Guest guest(f.pool);
  f.RunOnWorkers(100);
  SECTION("a long run") { f.SetRunTime(std::chrono::milliseconds(50)); }
  SECTION("one without a curve") {}
  f.RunOnWorkers(1);
  CHECK_FALSE(guest.has_work());
}

TEST_CASE("A guest waits for 100 runs more once a run has failed") {
  Fixture f;
  Guest guest(f.pool);
  f.RunOnWorkers(100);
  f.fails = true;
  CHECK_FALSE(f.Submit().Wait().ok());
  f.fails = false;
  f.SetRunTime(microseconds(20));
  f.RunOnWorkers(100);
  CHECK_FALSE(guest.has_work());
  const HeldWorker held(f.pool);
  f.Submit();
  CHECK(guest.has_work());
  guest.RunBatch();
  CHECK(f.waiters.back()->Wait().ok());
}

TEST_CASE("Workers help a guest for whom too much waits") {
  Fixture f;
  Guest guest(f.pool);
  f.RunOnWorkers(100);
  f.SetRunTime(microseconds(700));
  // 28 ms; 6 may be left to the guest.
  for (int i = 0; i < 40; ++i) f.Submit();
  CHECK(f.waiters[100]->Wait().ok());
  CHECK(f.LastThread() != kThisThread);
  while (guest.has_work()) guest.RunBatch();
  for (size_t i = 101; i < f.waiters.size(); ++i) CHECK(f.waiters[i]->Wait().ok());
}

TEST_CASE("What was kept for a guest that ends is run by the workers") {
  Fixture f;
  auto guest = std::make_unique<Guest>(f.pool);
  f.RunOnWorkers(100);
  f.SetRunTime(microseconds(20));
  auto held = std::make_unique<HeldWorker>(f.pool);
  f.Submit();
  REQUIRE(guest->has_work());
  guest.reset();
  held.reset();
  CHECK(f.waiters.back()->Wait().ok());
}

}  // namespace
}  // namespace torchere
