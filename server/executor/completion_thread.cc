// SPDX-License-Identifier: Apache-2.0
#include "server/executor/completion_thread.h"

#include <utility>

namespace torchere {

CompletionThread::CompletionThread(size_t places) : places_(places), thread_([this] { Work(); }) {}

CompletionThread::~CompletionThread() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.NotifyAll();
}

size_t CompletionThread::AwaitPlace() {
  const MutexLock lock(mutex_);
  while (ends_.size() == places_) changed_.Wait(mutex_);
  return added_ % places_;
}

void CompletionThread::Add(std::function<void()> end) {
  {
    const MutexLock lock(mutex_);
    ++added_;
    ends_.push_back(std::move(end));
  }
  changed_.NotifyAll();
}

void CompletionThread::Work() {
  while (true) {
    std::function<void()> end;
    {
      const MutexLock lock(mutex_);
      while (ends_.empty() && !ending_) changed_.Wait(mutex_);
      if (ends_.empty()) return;
      end = std::move(ends_.front());
    }
    end();
    // What it holds, too, before its place is free.
    end = nullptr;
    {
      const MutexLock lock(mutex_);
      ends_.pop_front();
    }
    changed_.NotifyAll();
  }
}

}  // namespace torchere
