// SPDX-License-Identifier: Apache-2.0
#include "server/executor/device_pool.h"

#include <algorithm>
#include <future>
#include <utility>

#include "server/base/clock.h"
#include "server/executor/worker.h"

namespace torchere {
namespace {

// Of so much device time the slowdown is the average.
constexpr std::chrono::duration<double> kMemory(0.2);

}  // namespace

absl::Status ModelQueue::Submit(Request& request) { return pool_.Push(*this, request); }

void ModelQueue::SetCurve(CostCurve curve) {
  MutexLock lock(pool_.mutex_);
  waiting_.SetCurve(std::move(curve));
  pool_.longest_run_ = std::max(pool_.longest_run_, waiting_.LongestRun());
}

CostCurve ModelQueue::curve() const {
  MutexLock lock(pool_.mutex_);
  return waiting_.curve();
}

DevicePool::DevicePool(Backend& backend, Device device, int workers, Observer& observer)
    : backend_(backend),
      device_(device),
      observer_(observer),
      runs_(static_cast<size_t>(workers), nullptr) {
  for (size_t i = 0; i < runs_.size(); ++i) workers_.emplace_back([this, i] { Work(i); });
}

DevicePool::~DevicePool() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  wake_.NotifyAll();
  workers_.clear();
}

void DevicePool::RunTask(Task task) {
  std::promise<void> done;
  {
    MutexLock lock(mutex_);
    tasks_.push_back([&task, &done](WorkerContext& context) {
      task(context);
      done.set_value();
    });
  }
  wake_.NotifyOne();
  done.get_future().wait();
}

Moment DevicePool::MomentAt(Time now) const {
  Moment moment = {.now = now, .slowdown = slowdown_, .longest_run = longest_run_};
  for (const Run* run : runs_) {
    if (run != nullptr) moment.longest_run = std::max(moment.longest_run, now - run->started);
  }
  return moment;
}

// With a worker free there is nothing ahead. Else the runs that there are end
// first, and the other queues have as much of the device as this one until it
// is empty.
Outlook DevicePool::OutlookFor(const ModelQueue& queue, Time now) const {
  const int all = static_cast<int>(runs_.size());
  Outlook outlook = {.workers = std::min(all, queue.limit_.most)};
  if (running_ < all && ready_.empty()) return outlook;
  for (const Run* run : runs_) {
    if (run == nullptr) continue;
    const Duration left = Times(run->batch.expected, slowdown_) - (now - run->started);
    outlook.ahead += std::max(Duration::zero(), left / all);
  }
  const Duration own = queue.waiting_.TimeForAll();
  for (const ModelQueue* other : ready_) {
    if (other == &queue) continue;
    const Duration time = std::min(own, other->waiting_.TimeForAll());
    outlook.ahead += Times(time, slowdown_ / all);
  }
  return outlook;
}

absl::Status DevicePool::Push(ModelQueue& queue, Request& request) {
  {
    MutexLock lock(mutex_);
    const Time now = Now();
    absl::Status status = queue.waiting_.Push(request, MomentAt(now), OutlookFor(queue, now));
    if (!status.ok()) return status;
    if (!std::exchange(queue.listed_, true)) {
      turns_.Enter(queue.turn_);
      ready_.push_back(&queue);
    }
  }
  wake_.NotifyOne();
  return absl::OkStatus();
}

void DevicePool::Unlist(ModelQueue& queue) {
  queue.listed_ = false;
  std::erase(ready_, &queue);
}

ModelQueue* DevicePool::Due(const Moment& moment, Time& first) {
  ModelQueue* due = nullptr;
  for (ModelQueue* queue : ready_) {
    if (queue->limit_.running >= queue->limit_.most) continue;
    const Time at = ending_ ? moment.now : queue->waiting_.ReadyAt(moment);
    first = std::min(first, at);
    if (at > moment.now) continue;
    if (due == nullptr || queue->turn_.begin < due->turn_.begin) due = queue;
  }
  return due;
}

void DevicePool::Start(Run& run, const Moment& moment) {
  const int idle = static_cast<int>(runs_.size()) - running_ - 1;
  run.batch = run.queue->waiting_.Cut(moment, idle);
  if (run.queue->waiting_.empty()) Unlist(*run.queue);
  // One that sleeps can take the next.
  if (!ready_.empty() && idle > 0) wake_.NotifyOne();
  if (run.batch.empty()) return;
  run.started = moment.now;
  run.alone = running_ == 0;
  if (running_ > 0) {
    for (Run* other : runs_) {
      if (other != nullptr) other->alone = false;
    }
  }
  ++running_;
  ++run.queue->limit_.running;
  turns_.Begin(run.queue->turn_, run.batch.expected);
  runs_[run.worker] = &run;
}

bool DevicePool::Next(Run& run) {
  MutexLock lock(mutex_);
  while (true) {
    if (!tasks_.empty()) {
      run.task = std::move(tasks_.front());
      tasks_.pop_front();
      return true;
    }
    const Moment moment = MomentAt(Now());
    Time first = kNever;
    run.queue = Due(moment, first);
    if (run.queue != nullptr) {
      Start(run, moment);
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
}

void DevicePool::Finish(Run& run, bool as_planned) {
  const Duration took = Now() - run.started;
  MutexLock lock(mutex_);
  runs_[run.worker] = nullptr;
  --running_;
  // Others could not take what is left.
  if (run.queue->limit_.running-- == run.queue->limit_.most) wake_.NotifyOne();
  FairTurns::End(run.queue->turn_, run.batch.expected, took);
  if (!as_planned) return;
  if (run.alone) run.queue->waiting_.Observe(std::max<int64_t>(1, run.batch.run_rows), took);
  longest_run_ = std::max(longest_run_, run.queue->waiting_.LongestRun());
  if (run.batch.expected > Duration::zero()) {
    const double ratio = std::chrono::duration<double>(took) / run.batch.expected;
    // A moving average by device time, in which a single run cannot count for
    // much.
    const double weight = std::min(1.0 / 16, run.batch.expected / kMemory);
    slowdown_ += (std::clamp(ratio, 0.5, 4.0) - slowdown_) * weight;
  }
}

void DevicePool::Work(size_t worker) {
  const std::unique_ptr<WorkerContext> context = backend_.StartWorker(device_);
  while (true) {
    Run run{.worker = worker};
    if (!Next(run)) return;
    if (run.task) {
      run.task(*context);
      continue;
    }
    for (Request& request : run.batch.dead) AnswerDead(std::move(request));
    if (run.batch.empty()) continue;
    BatchOutcome outcome = RunBatch(run.batch, run.queue->model_, *context, observer_);
    // The answers hold the queue's version: nothing of it is touched after them.
    Finish(run, outcome.as_planned);
    for (Answer& answer : outcome.answers) answer.reply.Send(std::move(answer.response));
  }
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
