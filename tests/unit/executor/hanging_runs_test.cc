// SPDX-License-Identifier: Apache-2.0
// DevicePool and a model whose runs do not end.
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/base/mutex.h"
#include "server/executor/guest.h"
#include "tests/support/catch.h"
#include "tests/unit/executor/pool_fixture.h"

namespace torchere {
namespace {

constexpr Duration kHangAfter = std::chrono::minutes(1);
constexpr Device kFake{.kind = Device::Kind::kPrivate, .index = 0};

// Runs that wait until the test lets them all go.
class Trap {
 public:
  FakeModel::Run1 Run() {
    return [this](const Arguments& arguments) {
      const MutexLock lock(mutex_);
      ++inside_;
      changed_.NotifyAll();
      while (!open_) changed_.Wait(mutex_);
      return Identity(arguments);
    };
  }
  void AwaitInside(int runs) {
    const MutexLock lock(mutex_);
    while (inside_ < runs) changed_.Wait(mutex_);
  }
  void Open() {
    {
      const MutexLock lock(mutex_);
      open_ = true;
    }
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int inside_ ABSL_GUARDED_BY(mutex_) = 0;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

// A pool with a model "m" that hangs and one that does not.
struct Hanging : Fixture {
  explicit Hanging(int workers = 1, Trap* in = nullptr, const Device& where = {})
      : Fixture((in == nullptr ? trap : *in).Run(), workers, {}, where) {}
  ~Hanging() {
    trap.Open();
    device.Allow();
    pool.reset();
  }

  // As if the runs that there are had begun so long ago.
  void LookAfter(Duration time) { pool->FindHanging(kHangAfter, Now() + time); }

  // Gives "m" a request and waits until it runs.
  Waiter& Hang() {
    Waiter& waiter = Submit();
    trap.AwaitInside(++stuck);
    return waiter;
  }
  Waiter& Submit() {
    Request request = Make(waiters.emplace_back());
    REQUIRE(queue->Submit(request).ok());
    return waiters.back();
  }
  absl::Status Refusal() {
    Waiter waiter;
    Request request = Make(waiter);
    absl::Status status = queue->Submit(request);
    request.reply.Send(absl::CancelledError());
    return status;
  }
  // Whether the other model answers.
  bool OthersGoOn() {
    Waiter waiter;
    Request request = Make(waiter, 7);
    request.method = &light.signature().methods[0];
    REQUIRE(light_queue.Submit(request).ok());
    return waiter.Wait().ok();
  }
  std::string Log() {
    const std::lock_guard lock(observer.mutex);
    std::string log;
    for (const std::string& line : observer.hangs) log += line + "\n";
    return log;
  }

  Trap trap;
  int stuck = 0;
  std::deque<Waiter> waiters;
  FakeModel light{Identity};
  VersionRuns light_runs;
  ModelQueue light_queue{*pool, light, light_runs, Patient({})};
};

// Another model of the pool, "n", with a run that does not end until it is let go on.
struct OtherStuck {
  explicit OtherStuck(Hanging& f) : queue(*f.pool, model, runs, Fixture::Patient({})) {
    Request request = f.Make(waiter);
    request.served.name = "n";
    request.method = &model.signature().methods[0];
    REQUIRE(queue.Submit(request).ok());
    trap.AwaitInside(1);
  }
  absl::StatusOr<Response> LetGoOn() {
    trap.Open();
    return waiter.Wait();
  }

  Trap trap;
  FakeModel model{trap.Run()};
  VersionRuns runs;
  ModelQueue queue;
  Waiter waiter;
};

TEST_CASE("A run that takes long is left alone until it counts as hanging") {
  Hanging f;
  f.Hang();
  f.LookAfter(std::chrono::seconds(59));
  CHECK(f.queue->health().ok());
  CHECK(f.Log().empty());
  f.LookAfter(std::chrono::seconds(60));
  CHECK_FALSE(f.queue->health().ok());
}

TEST_CASE("A run that its curve expects to be long may take ten times that") {
  Hanging f;
  CostCurve curve;
  curve.Set(1, std::chrono::minutes(1));
  f.queue->SetCurve(std::move(curve));
  f.Hang();
  f.LookAfter(std::chrono::minutes(9));
  CHECK(f.queue->health().ok());
  f.LookAfter(std::chrono::minutes(10));
  CHECK_FALSE(f.queue->health().ok());
}

TEST_CASE("While a run hangs the pool's other models go on, on a worker in its place") {
  Hanging f(GENERATE(1, 2));
  for (int i = 0; i < f.pool->workers(); ++i) f.Hang();
  f.LookAfter(kHangAfter);
  CHECK(f.OthersGoOn());
  CHECK(
      f.Log().find("m forward cpu: it gets no requests until that has ended; another worker takes "
                   "the place of its worker\n") == 0);
}

TEST_CASE("A model of which a run hangs gets no requests, and what waits is answered") {
  Hanging f;
  f.Hang();
  Waiter& waiting = f.Submit();
  f.LookAfter(kHangAfter);
  for (const absl::Status& status : {waiting.Wait().status(), f.Refusal(), f.queue->health()}) {
    CHECK(absl::IsUnavailable(status));
    CHECK(DetailsOf(status).reason == "MODEL_HANGS");
    CHECK(DetailsOf(status).metadata.at("device") == "cpu");
  }
  CHECK(f.queue->ProspectFor(1).time == Duration::max());
}

TEST_CASE("Once the run that hung has ended its caller is answered, and all is as before") {
  std::atomic<int> calls = 0;
  Hanging f;
  // Off: the test looks itself.
  f.pool->WatchRuns(std::chrono::hours(1000), [&calls] { ++calls; });
  Waiter& hanging = f.Hang();
  f.LookAfter(kHangAfter);
  CHECK(calls == 1);
  f.trap.Open();
  CHECK(hanging.Wait().ok());
  CHECK(calls == 2);
  CHECK(f.Log().find("m forward cpu ended\n") != std::string::npos);
  CHECK(f.queue->health().ok());
  CHECK(f.Submit().Wait().ok());
}

TEST_CASE("The same run is found to hang once") {
  Hanging f;
  f.Hang();
  f.LookAfter(kHangAfter);
  const std::string log = f.Log();
  f.LookAfter(2 * kHangAfter);
  CHECK(f.Log() == log);
}

// Which threads answer.
std::vector<std::thread::id> ThreadsOf(Hanging& f, int tasks) {
  std::vector<std::thread::id> threads;
  for (int i = 0; i < tasks; ++i) {
    f.pool->RunTask([&](WorkerContext&) { threads.push_back(std::this_thread::get_id()); });
  }
  return threads;
}

TEST_CASE("A worker that was replaced ends with its run") {
  Hanging f;
  const std::thread::id first = ThreadsOf(f, 1).front();
  Waiter& hanging = f.Hang();
  f.LookAfter(kHangAfter);
  f.trap.Open();
  CHECK(hanging.Wait().ok());
  for (const std::thread::id thread : ThreadsOf(f, 20)) CHECK(thread != first);
}

// Models that hang one after the other, in a pool of one worker.
TEST_CASE("As many workers are replaced as there are, and no more until one has ended") {
  Hanging f;
  Waiter& hanging = f.Hang();
  f.LookAfter(kHangAfter);
  OtherStuck other(f);
  f.LookAfter(kHangAfter);
  CHECK(f.Log().find("n forward cpu: it gets no requests until that has ended; no other worker "
                     "takes the place of its worker: 1 have been replaced") != std::string::npos);
  CHECK(other.LetGoOn().ok());
  CHECK(f.OthersGoOn());
  f.trap.Open();
  CHECK(hanging.Wait().ok());
  CHECK(f.OthersGoOn());
}

TEST_CASE("Where no other worker may take the place nobody waits, until one may again") {
  Hanging f;
  Waiter& hanging = f.Hang();
  f.LookAfter(kHangAfter);
  OtherStuck other(f);
  Waiter waits, comes;
  Request third = f.Make(waits);
  third.method = &f.light.signature().methods[0];
  REQUIRE(f.light_queue.Submit(third).ok());
  f.LookAfter(kHangAfter);
  CHECK(absl::IsUnavailable(waits.Wait().status()));
  CHECK(DetailsOf(f.light_queue.health()).reason == "MODEL_HANGS");
  Request fourth = f.Make(comes);
  fourth.method = &f.light.signature().methods[0];
  CHECK(absl::IsUnavailable(f.light_queue.Submit(fourth)));
  f.trap.Open();
  CHECK(hanging.Wait().ok());
  f.LookAfter(kHangAfter);
  CHECK(f.OthersGoOn());
  CHECK(other.LetGoOn().ok());
}

TEST_CASE("A model may hang again and again: each time another worker takes the place") {
  Hanging f;
  for (int i = 0; i < 20; ++i) {
    OtherStuck other(f);
    f.LookAfter(kHangAfter);
    CHECK(f.OthersGoOn());
    CHECK(other.LetGoOn().ok());
  }
}

TEST_CASE(
    "While a run of one method hangs the version's other methods are refused, and no other model") {
  Hanging f;
  ModelQueue sibling(*f.pool, f.model, f.runs, Fixture::Patient({}));
  f.Hang();
  f.LookAfter(kHangAfter);
  CHECK_FALSE(sibling.health().ok());
  CHECK(f.light_queue.health().ok());
}

TEST_CASE("A pool finds by itself what hangs") {
  std::promise<void> found;
  std::atomic<bool> told = false;
  Hanging f;
  f.pool->WatchRuns(std::chrono::milliseconds(1), [&] {
    if (!told.exchange(true)) found.set_value();
  });
  f.Hang();
  found.get_future().wait();
  CHECK(DetailsOf(f.Refusal()).reason == "MODEL_HANGS");
}

TEST_CASE("A pool that is watched runs what still waits before it ends") {
  Hanging f;
  f.pool->WatchRuns(std::chrono::hours(1), [] {});
  Waiter& running = f.Hang();
  Waiter& waiting = f.Submit();
  f.trap.Open();
  f.pool.reset();
  CHECK(running.Wait().ok());
  CHECK(waiting.Wait().ok());
}

TEST_CASE("A pool tells what runs in it") {
  Hanging f;
  CHECK(f.pool->RunsUnderWay().empty());
  f.Hang();
  const std::vector<std::string> runs = f.pool->RunsUnderWay();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].find("model 'm' version 3, method 'forward', on cpu, for ") == 0);
}

TEST_CASE("A run that hangs on a guest's thread is named as what it is: nobody can replace that") {
  std::atomic<bool> traps = false;
  Hanging f;
  FakeModel model([&](const Arguments& arguments) {
    return traps ? f.trap.Run()(arguments) : Identity(arguments);
  });
  VersionRuns runs;
  ModelQueue queue(*f.pool, model, runs, Fixture::Patient({}));
  queue.AllowGuest();
  std::deque<Waiter> waiters;
  const auto submit = [&]() -> Waiter& {
    Request request = f.Make(waiters.emplace_back());
    request.method = &model.signature().methods[0];
    REQUIRE(queue.Submit(request).ok());
    return waiters.back();
  };
  std::jthread calls([&] {
    Guest guest(*f.pool);
    for (int i = 0; i < 100; ++i) (void)submit().Wait();
    CostCurve curve;
    curve.Set(1, std::chrono::microseconds(20));
    queue.SetCurve(std::move(curve));
    traps = true;
    submit();
    guest.RunBatch();
  });
  f.trap.AwaitInside(1);
  f.LookAfter(kHangAfter);
  CHECK(f.Log().find("it runs on the thread of all calls") != std::string::npos);
  f.trap.Open();
  calls.join();
  CHECK(queue.health().ok());
}

// On a device that does nothing until the test allows it.
TEST_CASE("A run that hangs behind its fence is found, and a new worker begins runs") {
  Trap open;
  open.Open();
  Hanging f(1, &open, kFake);
  Waiter& hanging = f.Submit();
  f.device.AwaitBegun(1);
  f.LookAfter(kHangAfter);
  CHECK(DetailsOf(f.Refusal()).reason == "MODEL_HANGS");
  Waiter waiter;
  Request request = f.Make(waiter, 7);
  request.method = &f.light.signature().methods[0];
  REQUIRE(f.light_queue.Submit(request).ok());
  f.device.AwaitBegun(2);
  f.device.Allow();
  CHECK(hanging.Wait().ok());
  CHECK(waiter.Wait().ok());
  CHECK(f.queue->health().ok());
}

TEST_CASE("What stands behind a run that hangs does not hang itself") {
  Trap open;
  open.Open();
  Hanging f(1, &open, kFake);
  Waiter& hanging = f.Submit();
  f.device.AwaitBegun(1);
  Waiter waiter;
  Request request = f.Make(waiter, 7);
  request.method = &f.light.signature().methods[0];
  REQUIRE(f.light_queue.Submit(request).ok());
  f.device.AwaitBegun(2);
  f.LookAfter(kHangAfter);
  f.LookAfter(2 * kHangAfter);
  CHECK_FALSE(f.queue->health().ok());
  CHECK(f.light_queue.health().ok());
  // Its turn has come.
  f.device.Allow(1);
  CHECK(hanging.Wait().ok());
  f.LookAfter(kHangAfter);
  CHECK_FALSE(f.light_queue.health().ok());
  f.device.Allow();
  CHECK(waiter.Wait().ok());
}

}  // namespace
}  // namespace torchere
