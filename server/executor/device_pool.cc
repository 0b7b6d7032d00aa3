// SPDX-License-Identifier: Apache-2.0
#include "server/executor/device_pool.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <utility>

#include "server/base/clock.h"
#include "server/executor/completion_thread.h"
#include "server/executor/guest.h"

namespace torchere {
namespace {

// So many runs on workers let the guest in.
constexpr int kCleanRuns = 100;
// The guest's other work waits as long as a run takes.
constexpr Duration kGuestRun = std::chrono::milliseconds(1);
// With more waiting than this, divided by the workers, they help.
constexpr Duration kGuestTime = std::chrono::milliseconds(6);
// Runs of a worker of an asynchronous device: one is gathered while the other is
// under way.
constexpr int kRunsAhead = 2;

}  // namespace

absl::Status ModelQueue::Submit(Request& request) { return pool_.Push(*this, request); }

Prospect ModelQueue::ProspectFor(int64_t rows) const { return pool_.ProspectFor(*this, rows); }

void ModelQueue::SetCurve(CostCurve curve, CostCurve with_all) {
  MutexLock lock(pool_.mutex_);
  team_costs_.Set(std::move(with_all));
  waiting_.SetCurve(std::move(curve));
  pool_.longest_run_ = std::max(pool_.longest_run_, waiting_.LongestRun());
}

CostCurve ModelQueue::curve() const {
  MutexLock lock(pool_.mutex_);
  return waiting_.curve();
}

DevicePool::DevicePool(Backend& backend, Device device, int workers, Observer& observer,
                       int threads)
    : backend_(backend),
      device_(device),
      observer_(observer),
      cores_(Cores::Of(device, workers, threads)),
      worker_count_(workers),
      most_running_(workers * (IsAsynchronous(device) ? kRunsAhead : 1)) {
  for (int i = 0; i < workers; ++i) AddWorker();
}

DevicePool::~DevicePool() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  // Workers, which still run what waits, may wake it.
  if (watchdog_ != nullptr) watchdog_->Stop();
  wake_.NotifyAll();
  workers_.clear();
}

void DevicePool::RunTask(Task task) {
  std::promise<void> done;
  {
    MutexLock lock(mutex_);
    ++tasks_left_;
    tasks_.push_back([&task, &done](WorkerContext& context) {
      task(context);
      done.set_value();
    });
  }
  wake_.NotifyOne();
  done.get_future().wait();
  MutexLock lock(mutex_);
  --tasks_left_;
}

Moment DevicePool::MomentAt(Time now) const {
  Moment moment = {.now = now, .slowdown = slowdown_.value(), .longest_run = longest_run_};
  for (const Run* run : runs_) {
    if (!run->hangs) moment.longest_run = std::max(moment.longest_run, now - run->started);
  }
  return moment;
}

// With a worker free there is nothing ahead. Else the runs that there are end
// first, and the other queues have as much of the device as this one until it
// is empty.
Outlook DevicePool::OutlookFor(const ModelQueue& queue, Time now) const {
  const int all = most_running_;
  Outlook outlook = {.workers = std::min(all, queue.version_.most)};
  const VersionRuns& version = queue.version_;
  if (running_ < all && ready_.empty() && version.running < version.most) return outlook;
  for (const Run* run : runs_) {
    const Duration left = Times(run->batch.expected, slowdown_.value()) - (now - run->started);
    const int by = &run->queue->version_ == &version ? outlook.workers : all;
    outlook.ahead += std::max(Duration::zero(), left / by);
  }
  const Duration own = queue.waiting_.TimeForAll();
  for (const ModelQueue* other : ready_) {
    if (other == &queue) continue;
    const Duration time = std::min(own, other->waiting_.TimeForAll());
    outlook.ahead += Times(time, slowdown_.value() / all);
  }
  return outlook;
}

void DevicePool::SetGuest(Guest* guest) {
  {
    MutexLock lock(mutex_);
    guest_ = guest;
  }
  wake_.NotifyAll();
}

bool DevicePool::SuitsGuest(const ModelQueue& queue) const {
  if (!queue.guest_allowed_ || queue.clean_runs_ < kCleanRuns) return false;
  if (queue.version_.running >= queue.version_.most) return false;
  const std::optional<Duration> run = queue.waiting_.NextRun();
  return run && *run <= kGuestRun;
}

bool DevicePool::IsKept(const ModelQueue& queue) const {
  return guest_ != nullptr && guest_->thread_ == std::this_thread::get_id() && SuitsGuest(queue) &&
         queue.waiting_.TimeForAll() * workers() <= kGuestTime;
}

bool DevicePool::RunForGuest(WorkerContext& context) {
  Run run;
  bool more = false;
  {
    MutexLock lock(mutex_);
    for (ModelQueue* queue : ready_) {
      if (!SuitsGuest(*queue)) continue;
      if (run.queue == nullptr || queue->version_.turn.begin < run.queue->version_.turn.begin)
        run.queue = queue;
    }
    if (run.queue != nullptr) Start(run, MomentAt(Now()), 0);
    bool help = false;
    for (const ModelQueue* queue : ready_) {
      const bool kept = IsKept(*queue);
      more = more || kept;
      // What the guest may not run any more, or not alone.
      help = help || !kept;
    }
    if (help) wake_.NotifyOne();
  }
  if (run.queue != nullptr) Execute(run, context);
  return more;
}

Prospect DevicePool::ProspectFor(const ModelQueue& queue, int64_t rows) const {
  MutexLock lock(mutex_);
  if (!lost_.ok() || !HealthOf(queue.version_).ok()) return {.time = Duration::max()};
  const Time now = Now();
  const Duration own = queue.waiting_.curve().Of(std::max<int64_t>(1, rows));
  Duration time = queue.waiting_.TimeForAll();
  if (!IsAsynchronous(device_)) {
    const Outlook outlook = OutlookFor(queue, now);
    time = outlook.ahead + Times(time, slowdown_.value() / outlook.workers) +
           Times(own, slowdown_.value());
    return {.time = time, .runs = running_};
  }
  // What runs and what waits shares the device, as if one came after the other.
  for (const Run* run : runs_) {
    time += std::max(Duration::zero(), run->batch.expected - (now - run->started));
  }
  for (const ModelQueue* other : ready_) {
    if (other != &queue) time += other->waiting_.TimeForAll();
  }
  return {.time = time + own, .runs = running_};
}

absl::Status DevicePool::Push(ModelQueue& queue, Request& request) {
  {
    MutexLock lock(mutex_);
    if (!lost_.ok()) return lost_;
    if (absl::Status health = HealthOf(queue.version_); !health.ok()) return health;
    if (queue.served_.name.empty()) queue.served_ = request.served;
    const Time now = Now();
    absl::Status status = queue.waiting_.Push(request, MomentAt(now), OutlookFor(queue, now));
    if (!status.ok()) return status;
    if (!std::exchange(queue.listed_, true)) {
      turns_.Enter(queue.version_.turn);
      ready_.push_back(&queue);
    }
    if (IsKept(queue)) {
      guest_->has_work_ = true;
      return absl::OkStatus();
    }
  }
  wake_.NotifyOne();
  return absl::OkStatus();
}

ModelQueue* DevicePool::Due(const Moment& moment, Time& first) {
  ModelQueue* due = nullptr;
  for (ModelQueue* queue : ready_) {
    if (queue->version_.running >= queue->version_.most) continue;
    const Time at = ending_ ? moment.now : queue->waiting_.ReadyAt(moment);
    first = std::min(first, at);
    if (at > moment.now) continue;
    if (due == nullptr || queue->version_.turn.begin < due->version_.turn.begin) due = queue;
  }
  return due;
}

void DevicePool::Start(Run& run, const Moment& moment, int idle_workers) {
  // The runs of an asynchronous device share it: it is no faster for having more.
  run.batch = run.queue->waiting_.Cut(moment, IsAsynchronous(device_) ? 0 : idle_workers);
  // Behind the others: those of one version take turns.
  std::erase(ready_, run.queue);
  run.queue->listed_ = !run.queue->waiting_.empty();
  if (run.queue->listed_) ready_.push_back(run.queue);
  if (run.batch.empty()) return;
  run.started = run.first_since = moment.now;
  run.alone = runs_.empty();
  Cores cores = cores_;
  for (Run* other : runs_) {
    other->alone = false;
    cores.free -= other->threads;
    if (other->worker == run.worker) run.first_since = kNever;
  }
  if (run.worker != nullptr) ++running_;
  // The guest has other things to do; what waits is another worker's; a task may be measuring.
  if (run.worker == nullptr || !ready_.empty() || tasks_left_ > 0) cores.free = cores.own;
  const Team team = run.queue->team_costs_.Choose(run.batch, cores);
  run.threads = team.threads;
  run.batch.expected = team.time;
  ++run.queue->version_.running;
  turns_.Begin(run.queue->version_.turn, run.batch.expected);
  runs_.push_back(&run);
}

bool DevicePool::Next(Run& run) {
  MutexLock lock(mutex_);
  while (!run.worker->replaced) {
    if (!tasks_.empty()) {
      run.task = std::move(tasks_.front());
      tasks_.pop_front();
      return true;
    }
    const Moment moment = MomentAt(Now());
    Time first = kNever;
    run.queue = Due(moment, first);
    if (run.queue != nullptr) {
      const int idle = most_running_ - running_ - 1;
      Start(run, moment, idle);
      // One that sleeps can take the next.
      if (!ready_.empty() && idle > 0) wake_.NotifyOne();
      return true;
    }
    if (ready_.empty() && ending_) {
      wake_.NotifyAll();
      return false;
    }
    if (first == kNever) {
      wake_.Wait(mutex_);
    } else {
      wake_.WaitUntil(mutex_, first);
    }
  }
  return false;
}

void DevicePool::Finish(Run& run, bool as_planned) {
  const Time now = Now();
  const Duration took = now - run.started;
  MutexLock lock(mutex_);
  std::erase(runs_, &run);
  MoveUp(run.worker, now);
  if (run.worker != nullptr && !run.worker->replaced) --running_;
  // Others could not take what is left.
  if (run.queue->version_.running-- == run.queue->version_.most) wake_.NotifyOne();
  if (run.hangs) {
    // Others had another worker meanwhile: this is no time that they lack.
    --run.queue->version_.hanging;
    --hanging_;
  } else {
    FairTurns::End(run.queue->version_.turn, run.batch.expected, took);
  }
  if (!as_planned || run.hangs) {
    run.queue->clean_runs_ = 0;
    return;
  }
  run.queue->clean_runs_ = std::min(run.queue->clean_runs_ + 1, kCleanRuns);
  if (run.threads > cores_.own) {
    const bool measures = run.alone && run.threads == cores_.all;
    if (measures) run.queue->team_costs_.Observe(run.batch, took);
    return;
  }
  // With others beside it a run is no faster than alone.
  if (run.alone || took < run.batch.expected) {
    run.queue->waiting_.Observe(run.batch.run_rows, took);
  }
  longest_run_ = std::max(longest_run_, run.queue->waiting_.LongestRun());
  slowdown_.Observe(run.batch.expected, took);
}

void DevicePool::End(Run& run, BatchOutcome outcome) {
  // The answers hold the queue's version: nothing of it is touched after them.
  Finish(run, outcome.as_planned);
  if (run.hangs) TellEnded(run);
  // Another may be replaced now.
  if (watchdog_ != nullptr) watchdog_->Wake();
  if (!outcome.device.ok()) Lose(outcome.device);
  for (Answer& answer : outcome.answers) answer.reply.Send(std::move(answer.response));
}

void DevicePool::AddWorker() {
  Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
  worker.thread = std::jthread([this, &worker] { Work(worker); });
}

void DevicePool::Work(Worker& worker) {
  {
    const std::unique_ptr<WorkerContext> context = backend_.StartWorker(device_);
    context->UseThreads(cores_.own);
    IsAsynchronous(device_) ? WorkAhead(worker, *context) : WorkInTurn(worker, *context);
  }
  MutexLock lock(mutex_);
  worker.ended = true;
}

void DevicePool::WorkInTurn(Worker& worker, WorkerContext& context) {
  while (true) {
    Run run{.worker = &worker};
    if (!Next(run)) return;
    if (run.task) {
      run.task(context);
      continue;
    }
    Execute(run, context);
  }
}

void DevicePool::Execute(Run& run, WorkerContext& context) {
  for (Request& request : run.batch.dead) AnswerDead(std::move(request));
  if (run.batch.empty()) return;
  if (watchdog_ != nullptr) watchdog_->Wake();
  const bool lent = run.threads > cores_.own;
  if (lent) context.UseThreads(run.threads);
  BatchOutcome outcome = RunBatch(run.batch, run.queue->model_, context, observer_);
  if (lent) context.UseThreads(cores_.own);
  End(run, std::move(outcome));
}

void DevicePool::WorkAhead(Worker& worker, WorkerContext& context) {
  std::vector<std::unique_ptr<Staging>> staging;
  staging.reserve(kRunsAhead);
  for (int i = 0; i < kRunsAhead; ++i) staging.push_back(context.MakeStaging());
  CompletionThread completions(kRunsAhead);
  while (true) {
    const size_t free = completions.AwaitPlace();
    const auto run = std::make_shared<RunAhead>();
    run->worker = &worker;
    if (!Next(*run)) return;
    if (run->task) {
      run->task(context);
      continue;
    }
    for (Request& request : run->batch.dead) AnswerDead(std::move(request));
    if (run->batch.empty() || !Begin(*run, context, *staging[free])) continue;
    completions.Add([this, run] {
      End(*run, EndBatch(run->batch, std::move(run->begun), run->started, observer_));
    });
  }
}

bool DevicePool::Begin(RunAhead& run, WorkerContext& context, Staging& staging) {
  if (watchdog_ != nullptr) watchdog_->Wake();
  absl::StatusOr<BegunRun> begun = BeginBatch(run.batch, run.queue->model_, context, staging);
  if (begun.ok()) {
    run.begun = *std::move(begun);
    return true;
  }
  End(run, RunAgain(run.batch, begun.status(), run.queue->model_, context, observer_));
  return false;
}

void DevicePool::GiveUpDead() {
  std::vector<Request> dead;
  {
    MutexLock lock(mutex_);
    const Moment moment = MomentAt(Now());
    for (ModelQueue* queue : ready_) {
      std::vector<Request> taken = queue->waiting_.TakeDead(moment);
      std::move(taken.begin(), taken.end(), std::back_inserter(dead));
      queue->listed_ = !queue->waiting_.empty();
    }
    std::erase_if(ready_, [](const ModelQueue* queue) { return !queue->listed_; });
  }
  for (Request& request : dead) AnswerDead(std::move(request));
}

}  // namespace torchere
