// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/backend/backend.h"
#include "server/base/mutex.h"
#include "server/batching/batch_queue.h"
#include "server/executor/fair_turns.h"
#include "server/executor/slowdown.h"
#include "server/executor/team.h"
#include "server/executor/watchdog.h"
#include "server/executor/worker.h"
#include "server/observe/observer.h"

namespace torchere {

class DevicePool;
class Guest;

// What the queues of one model version share on a device.
struct VersionRuns {
  // How many runs there may be at a time: 1 of a stateful one.
  int most = std::numeric_limits<int>::max();
  // These belong to the pool's mutex. While runs hang no others are begun, so that
  // one model can never take all workers.
  int running = 0;
  int hanging = 0;
  // One for all: a version gets no more of the device for having more queues.
  FairTurns::Turn turn = {};
};

// How soon a device would answer; the less the better.
struct Prospect {
  Duration time{};
  // Runs under way: tells devices apart of which nothing is known yet.
  int runs = 0;

  auto operator<=>(const Prospect&) const = default;
};

// The place of a model version's method in a device's pool: its queue, from which
// the workers of the device take. Ended when nothing waits in it and nothing of
// it runs (each Request holds its version, and so this, until it is answered).
class ModelQueue {
 public:
  // All that is borrowed must outlive it.
  ModelQueue(DevicePool& pool, LoadedModel& model, VersionRuns& version, BatchRules rules)
      : pool_(pool),
        model_(model),
        version_(version),
        team_costs_(rules.batched),
        waiting_(std::move(rules)) {}

  // Takes a request and sees to its answer; on an error (BatchQueue::Push's, or
  // health()) it is left untouched. Thread-safe.
  absl::Status Submit(Request& request);

  // Whether the version takes requests here. Thread-safe.
  //
  //   UNAVAILABLE  MODEL_HANGS: a run of one of its methods hangs, or runs of others
  //                hold all workers that there may be
  absl::Status health() const;

  // What waits may be run by the pool's Guest too, once workers have run enough of
  // it: for a method that cannot hang it. Before the first Submit.
  void AllowGuest() { guest_allowed_ = true; }

  // When a request of `rows` rows would be answered: which of several devices to
  // give it to. Thread-safe.
  Prospect ProspectFor(int64_t rows) const;

  // How long runs take, by rows; as it was measured, and as it is known now: with a
  // run's own threads and, where that was measured, with all cores of the device.
  // Thread-safe.
  void SetCurve(CostCurve curve, CostCurve with_all = {});
  CostCurve curve() const;

 private:
  friend class DevicePool;

  DevicePool& pool_;
  LoadedModel& model_;
  VersionRuns& version_;
  // These belong to pool_'s mutex, which the analysis cannot name from here.
  TeamCosts team_costs_;
  BatchQueue waiting_;
  // What it is the queue of, as its first request says.
  ServedModel served_;
  bool listed_ = false;
  bool guest_allowed_ = false;
  // Runs that went as planned since one did not, up to as many as let the guest
  // in.
  int clean_runs_ = 0;
};

// The worker threads of one device, each with its own WorkerContext. Any of
// them runs any model of the device. It knows only the queues that hold
// something: idle models cost nothing. On an asynchronous device a worker begins
// its next run while the device is at the one before.
class DevicePool {
 public:
  // Something that a worker does between its batches.
  using Task = std::function<void(WorkerContext&)>;

  // Starts `workers` threads, whose runs use `threads` cores each, and more while
  // others are idle (team.h). `backend` and `observer` must outlive it.
  DevicePool(Backend& backend, Device device, int workers, Observer& observer, int threads = 1);

  // Runs what still waits, then ends the threads.
  ~DevicePool();

  // Has `call` called, once, when the device is lost: what waits and what comes
  // is refused from then on. To be set before anything is submitted.
  void OnLost(std::function<void()> call);

  // Has a thread look for runs that hang (watchdog.h), and `call` called whenever
  // one does or has ended after all. To be set before anything is submitted.
  void WatchRuns(Duration hang_after, std::function<void()> call);

  // What that thread does at `now`; when it is to look again, kNever while nothing
  // runs that does not hang. A version of which a run hangs gets no more requests,
  // what waits for it is answered, and another worker takes the place of the one
  // that is stuck, as many as there are workers at most; who was replaced ends with
  // its run. On an asynchronous device too: where the model's own code hangs, or
  // its stream alone, the new worker with a stream of its own goes on; where the
  // device does nothing any more, that one hangs as well, and the bound holds.
  // Tasks are not watched. One thread at a time.
  Time FindHanging(Duration hang_after, Time now);

  // What runs now, a text each: "model 'm' version 1, method 'forward', on cpu, for
  // 1.5s".
  std::vector<std::string> RunsUnderWay() const;

  const Device& device() const { return device_; }
  int workers() const { return worker_count_; }
  // What a run has, and what it may have at most.
  const Cores& cores() const { return cores_; }

  // Has a worker do `task`, before any batch, and waits for its end.
  void RunTask(Task task);

  // Answers the requests that nobody waits for any more, or whose time has
  // passed, and frees their places.
  void GiveUpDead();

 private:
  friend class ModelQueue;
  friend class Guest;

  struct Worker {
    // These belong to mutex_: it begins nothing more, another has its place; its
    // thread is about to end.
    bool replaced = false;
    bool ended = false;
    std::jthread thread = {};
  };
  // What a worker does, or the guest.
  struct Run {
    // Null: the guest.
    Worker* worker = nullptr;
    ModelQueue* queue = nullptr;
    Batch batch = {};
    Time started{};
    // Since when its worker has had no earlier run under way; kNever while it has.
    Time first_since{};
    bool hangs = false;
    int threads = 1;
    // No other batch ran beside it.
    bool alone = false;
    Task task = {};
  };
  // The same on an asynchronous device.
  struct RunAhead : Run {
    BegunRun begun;
  };
  // What is told of a run that hangs.
  struct Hang {
    ServedModel model;
    Duration time{};
    std::string measures;
  };

  void SetGuest(Guest* guest);
  // Runs a batch on the guest's thread; false where nothing is left for it.
  bool RunForGuest(WorkerContext& context);
  // Whether the guest may run the next batch of this queue.
  bool SuitsGuest(const ModelQueue& queue) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether what waits in it is left to the guest, without waking a worker.
  bool IsKept(const ModelQueue& queue) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status Push(ModelQueue& queue, Request& request);
  Moment MomentAt(Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Prospect ProspectFor(const ModelQueue& queue, int64_t rows) const;
  Outlook OutlookFor(const ModelQueue& queue, Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void AddWorker();
  void Work(Worker& worker);
  void WorkInTurn(Worker& worker, WorkerContext& context);
  // Of an asynchronous device.
  void WorkAhead(Worker& worker, WorkerContext& context);
  // Gives the batch to the device; false where it has been answered instead.
  bool Begin(RunAhead& run, WorkerContext& context, Staging& staging);
  // The next thing to do; waits for one. False when the pool ends, or the worker is
  // to end.
  bool Next(Run& run);
  // Cuts a batch of run.queue, where `idle_workers` others could take a share.
  void Start(Run& run, const Moment& moment, int idle_workers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The queue whose turn it is; none where no batch is due, and then when the
  // first will be.
  ModelQueue* Due(const Moment& moment, Time& first) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Execute(Run& run, WorkerContext& context);
  // The run has ended: answers its requests.
  void End(Run& run, BatchOutcome outcome);
  // Takes note of it; `as_planned` where it ran together as it was cut.
  void Finish(Run& run, bool as_planned);
  // The device will do no run any more.
  void Lose(const absl::Status& why);
  // All that waits in the queues of one version, or of every one, taken out.
  std::vector<Request> TakeWaiting(const VersionRuns* version)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What the watchdog sees of runs_.
  std::vector<RunUnderWay> Seen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a version takes requests: ModelQueue::health.
  absl::Status HealthOf(const VersionRuns& version) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether every worker that has not been replaced has a run that hangs.
  bool AllHang() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayReplace(const Run& run) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes note of a run that hangs.
  Hang Mark(Run& run, Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has another worker take the place of a run's, where it may; what is done, in
  // words.
  std::string Replace(const Run& run) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Lets the threads go of workers that have ended, and starts those that are
  // missing.
  void RenewThreads();
  // A worker has a run less: the one behind it, where there is one, is its first now.
  void MoveUp(const Worker* worker, Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A run that hung has ended.
  void TellEnded(const Run& run);

  Backend& backend_;
  const Device device_;
  Observer& observer_;
  // All of them are free.
  const Cores cores_;
  const int worker_count_;
  // Runs that workers may have at a time: one each, on an asynchronous device two.
  const int most_running_;

  mutable Mutex mutex_;
  CondVar wake_;
  // The queues that hold something, each once.
  std::vector<ModelQueue*> ready_ ABSL_GUARDED_BY(mutex_);
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  // Tasks that have not ended.
  int tasks_left_ ABSL_GUARDED_BY(mutex_) = 0;
  FairTurns turns_ ABSL_GUARDED_BY(mutex_);
  // Under way, in the order in which they were begun.
  std::vector<Run*> runs_ ABSL_GUARDED_BY(mutex_);
  Guest* guest_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Runs of workers that have not been replaced.
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  // Runs that hang.
  int hanging_ ABSL_GUARDED_BY(mutex_) = 0;
  // Workers that have been replaced and still have runs under way.
  int replaced_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of any queue, as it is known by now.
  Duration longest_run_ ABSL_GUARDED_BY(mutex_){};
  // How much longer runs take than by their curves: they slow each other.
  Slowdown slowdown_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  // Why the device is lost.
  absl::Status lost_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_lost_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_hang_ ABSL_GUARDED_BY(mutex_);

  // Null where nothing is watched.
  std::unique_ptr<Watchdog> watchdog_;
  // Last, so that what is above is there when they look at it. FindHanging's thread
  // alone changes it.
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace torchere
