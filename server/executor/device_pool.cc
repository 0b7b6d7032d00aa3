// SPDX-License-Identifier: Apache-2.0
#include "server/executor/device_pool.h"

#include <algorithm>
#include <utility>

#include "server/base/clock.h"
#include "server/executor/worker.h"
#include "server/request/error.h"

namespace torchere {

absl::Status ModelQueue::Submit(Request& request) { return pool_.Push(*this, request); }

DevicePool::DevicePool(Backend& backend, Device device, int workers, Observer& observer)
    : backend_(backend), device_(device), observer_(observer) {
  for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { Work(); });
}

DevicePool::~DevicePool() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  wake_.NotifyAll();
  workers_.clear();
}

absl::Status DevicePool::Push(ModelQueue& queue, Request& request) {
  {
    MutexLock lock(mutex_);
    if (absl::Status status = queue.waiting_.Push(request, Now()); !status.ok()) return status;
    if (!std::exchange(queue.listed_, true)) ready_.push_back(&queue);
  }
  wake_.NotifyOne();
  return absl::OkStatus();
}

std::pair<Batch, ModelQueue*> DevicePool::Next() {
  MutexLock lock(mutex_);
  while (ready_.empty() && !ending_) wake_.Wait(mutex_);
  if (ready_.empty()) return {};
  ModelQueue* queue = ready_.front();
  ready_.pop_front();
  Batch batch = queue->waiting_.Cut();
  if (queue->waiting_.empty()) {
    queue->listed_ = false;
  } else {
    ready_.push_back(queue);
  }
  return {std::move(batch), queue};
}

void DevicePool::Work() {
  const std::unique_ptr<WorkerContext> context = backend_.StartWorker(device_);
  while (true) {
    auto [batch, queue] = Next();
    if (queue == nullptr) return;
    // The batch's requests hold the queue's version until they are answered, so
    // nothing of `queue` is touched after the run.
    RunBatch(std::move(batch), queue->model_, *context, observer_);
  }
}

void DevicePool::GiveUpDead() {
  std::vector<Request> dead;
  {
    MutexLock lock(mutex_);
    const Time now = Now();
    for (ModelQueue* queue : ready_) {
      std::vector<Request> taken = queue->waiting_.TakeDead(now);
      std::move(taken.begin(), taken.end(), std::back_inserter(dead));
      queue->listed_ = !queue->waiting_.empty();
    }
    std::erase_if(ready_, [](const ModelQueue* queue) { return !queue->listed_; });
  }
  for (Request& request : dead) AnswerDead(std::move(request));
}

}  // namespace torchere
