// SPDX-License-Identifier: Apache-2.0
// What DevicePool does about a device that is lost and about runs that hang.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/executor/device_pool.h"

namespace torchere {
namespace {

// Takes all that waits: at the end of time nothing is worth waiting for.
constexpr Moment kEndOfTime = {.now = kNever};

}  // namespace

void DevicePool::OnLost(std::function<void()> call) {
  MutexLock lock(mutex_);
  on_lost_ = std::move(call);
}

void DevicePool::Lose(const absl::Status& why) {
  std::vector<Request> waiting;
  std::function<void()> on_lost;
  {
    MutexLock lock(mutex_);
    if (!lost_.ok()) return;
    lost_ = why;
    on_lost = on_lost_;
    waiting = TakeWaiting(nullptr);
  }
  observer_.DeviceLost(Name(device_), why);
  if (on_lost) on_lost();
  for (Request& request : waiting) AnswerUnavailable(std::move(request), why);
}

std::vector<Request> DevicePool::TakeWaiting(const VersionRuns* version) {
  std::vector<Request> waiting;
  for (ModelQueue* queue : ready_) {
    if (version != nullptr && &queue->version_ != version) continue;
    std::vector<Request> taken = queue->waiting_.TakeDead(kEndOfTime);
    std::move(taken.begin(), taken.end(), std::back_inserter(waiting));
    queue->listed_ = false;
  }
  std::erase_if(ready_, [](const ModelQueue* queue) { return !queue->listed_; });
  return waiting;
}

absl::Status ModelQueue::health() const {
  MutexLock lock(pool_.mutex_);
  return pool_.HealthOf(version_);
}

void DevicePool::WatchRuns(Duration hang_after, std::function<void()> call) {
  {
    MutexLock lock(mutex_);
    on_hang_ = std::move(call);
  }
  watchdog_ = std::make_unique<Watchdog>(
      [this, hang_after](Time now) { return FindHanging(hang_after, now); });
}

std::vector<RunUnderWay> DevicePool::Seen() const {
  std::vector<RunUnderWay> seen;
  seen.reserve(runs_.size());
  for (const Run* run : runs_) {
    seen.push_back({.since = run->first_since,
                    .expected = Times(run->batch.expected, slowdown_.value()),
                    .hangs = run->hangs});
  }
  return seen;
}

Time DevicePool::FindHanging(Duration hang_after, Time now) {
  std::vector<Hang> hangs;
  std::vector<Request> waiting, others_waiting;
  std::function<void()> on_hang;
  Sight sight;
  bool replaces = false;
  {
    MutexLock lock(mutex_);
    sight = LookOver(Seen(), hang_after, now);
    // Those for which there was no other worker when they were found.
    for (const Run* run : runs_) {
      if (!run->hangs || !MayReplace(*run)) continue;
      Replace(*run);
      replaces = true;
    }
    for (const size_t place : sight.hanging) {
      hangs.push_back(Mark(*runs_[place], now));
      std::vector<Request> taken = TakeWaiting(&runs_[place]->queue->version_);
      std::move(taken.begin(), taken.end(), std::back_inserter(waiting));
    }
    // From now on nothing is queued.
    if (!hangs.empty() && AllHang()) {
      std::vector<Request> taken = TakeWaiting(nullptr);
      std::move(taken.begin(), taken.end(), std::back_inserter(others_waiting));
    }
    on_hang = on_hang_;
  }
  if (hangs.empty() && !replaces) return sight.next;
  // Those that were replaced and sleep are to end.
  wake_.NotifyAll();
  RenewThreads();
  for (const Hang& hang : hangs) {
    observer_.RunHangs(hang.model, Name(device_), hang.time, hang.measures);
  }
  if (on_hang) on_hang();
  for (Request& request : waiting) AnswerUnavailable(std::move(request), ModelHangs(device_));
  for (Request& request : others_waiting) {
    AnswerUnavailable(std::move(request), WorkersHang(device_));
  }
  return sight.next;
}

DevicePool::Hang DevicePool::Mark(Run& run, Time now) {
  run.hangs = true;
  ++hanging_;
  ++run.queue->version_.hanging;
  return {.model = run.queue->served_,
          .time = now - run.started,
          .measures = absl::StrCat("it gets no requests until that has ended; ", Replace(run))};
}

bool DevicePool::MayReplace(const Run& run) const {
  return run.worker != nullptr && !run.worker->replaced && !ending_ && replaced_ < worker_count_;
}

bool DevicePool::AllHang() const {
  std::set<const Worker*> stuck;
  for (const Run* run : runs_) {
    if (run->hangs && run->worker != nullptr && !run->worker->replaced) stuck.insert(run->worker);
  }
  return static_cast<int>(stuck.size()) >= worker_count_;
}

absl::Status DevicePool::HealthOf(const VersionRuns& version) const {
  if (version.hanging > 0) return ModelHangs(device_);
  return hanging_ > 0 && AllHang() ? WorkersHang(device_) : absl::OkStatus();
}

std::string DevicePool::Replace(const Run& run) {
  if (run.worker == nullptr) {
    return "it runs on the thread of all calls, none of which is answered until then: start the "
           "server again";
  }
  if (run.worker->replaced) return "another worker has the place of its worker already";
  if (ending_) return "the server is ending";
  if (replaced_ == worker_count_) {
    return absl::StrCat("no other worker takes the place of its worker: ", replaced_,
                        " have been replaced");
  }
  run.worker->replaced = true;
  ++replaced_;
  for (const Run* other : runs_) {
    if (other->worker == run.worker) --running_;
  }
  return "another worker takes the place of its worker";
}

void DevicePool::RenewThreads() {
  std::vector<std::unique_ptr<Worker>> ended;
  int missing = worker_count_;
  {
    MutexLock lock(mutex_);
    for (auto& worker : workers_) {
      if (!worker->replaced) --missing;
      if (worker->ended) ended.push_back(std::move(worker));
    }
    std::erase(workers_, nullptr);
  }
  for (int i = 0; i < missing; ++i) AddWorker();
}

void DevicePool::MoveUp(const Worker* worker, Time now) {
  const auto next = std::find_if(runs_.begin(), runs_.end(),
                                 [worker](const Run* run) { return run->worker == worker; });
  if (next == runs_.end()) {
    if (worker != nullptr && worker->replaced) --replaced_;
  } else if ((*next)->first_since == kNever) {
    (*next)->first_since = now;
  }
}

void DevicePool::TellEnded(const Run& run) {
  std::function<void()> on_hang;
  ServedModel model;
  {
    MutexLock lock(mutex_);
    model = run.queue->served_;
    on_hang = on_hang_;
  }
  observer_.HangEnded(model, Name(device_), Now() - run.started);
  if (on_hang) on_hang();
}

std::vector<std::string> DevicePool::RunsUnderWay() const {
  std::vector<std::string> texts;
  MutexLock lock(mutex_);
  const Time now = Now();
  for (const Run* run : runs_) {
    const ServedModel& model = run->queue->served_;
    const absl::Duration time =
        absl::Trunc(absl::FromChrono(now - run->started), absl::Milliseconds(1));
    texts.push_back(absl::StrCat("model '", model.name, "' version ", model.version, ", method '",
                                 model.method, "', on ", Name(device_), ", for ",
                                 absl::FormatDuration(time)));
  }
  return texts;
}

}  // namespace torchere
