// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/backend/backend.h"
#include "server/base/mutex.h"

namespace torchere {

// An asynchronous device that does what it has been given in order, and only when
// the test lets it: what has not been waited for is not there. Keeps a diary.
class FakeDevice {
 public:
  // Work that waits for the test's Allow.
  static constexpr int64_t kAll = int64_t{1} << 40;

  FakeDevice() : thread_([this] { Work(); }) {}
  ~FakeDevice() {
    {
      const MutexLock lock(mutex_);
      allowed_ = kAll;
      ending_ = true;
    }
    changed_.NotifyAll();
  }

  // Lets it do the next `runs` runs.
  void Allow(int64_t runs = kAll) {
    {
      const MutexLock lock(mutex_);
      allowed_ += runs;
    }
    changed_.NotifyAll();
  }

  // Gives it a run; the number by which it is waited for.
  int64_t Enqueue(std::function<void()> run) {
    int64_t number = 0;
    {
      const MutexLock lock(mutex_);
      number = begun_++;
      waiting_.push_back(std::move(run));
      diary_.push_back(absl::StrCat("begin ", number));
    }
    changed_.NotifyAll();
    return number;
  }

  // Waits until it has been given so many runs.
  void AwaitBegun(int64_t runs) {
    const MutexLock lock(mutex_);
    while (begun_ < runs) changed_.Wait(mutex_);
  }

  // Waits until it has done a run; an error where it breaks before.
  absl::Status AwaitDone(int64_t number) {
    const MutexLock lock(mutex_);
    while (done_ <= number && broken_.ok()) changed_.Wait(mutex_);
    diary_.push_back(absl::StrCat("passed ", number));
    return broken_;
  }

  // Every wait for it fails with this from now on.
  void Break(absl::Status why) {
    {
      const MutexLock lock(mutex_);
      broken_ = std::move(why);
    }
    changed_.NotifyAll();
  }

  absl::Status broken() const {
    const MutexLock lock(mutex_);
    return broken_;
  }

  void Note(const std::string& entry) {
    const MutexLock lock(mutex_);
    diary_.push_back(entry);
  }

  // "begin 0", "run 0", "passed 0" and what was noted, in order.
  std::vector<std::string> diary() const {
    const MutexLock lock(mutex_);
    return diary_;
  }

 private:
  void Work() {
    const MutexLock lock(mutex_);
    while (true) {
      while (!ending_ && (waiting_.empty() || allowed_ == 0)) changed_.Wait(mutex_);
      if (waiting_.empty()) return;
      const std::function<void()> run = std::move(waiting_.front());
      waiting_.pop_front();
      --allowed_;
      diary_.push_back(absl::StrCat("run ", done_));
      run();
      ++done_;
      changed_.NotifyAll();
    }
  }

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  int64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t allowed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> diary_ ABSL_GUARDED_BY(mutex_);

  std::jthread thread_;
};

// What is gathered for one run. Ends the process where it is used by two.
struct FakeStaging : Staging {
  Arguments arguments;
  bool in_use = false;
};

struct FakeFence : Fence {
  FakeFence(FakeDevice& on, FakeStaging& of, int64_t run) : device(on), staging(of), number(run) {}

  absl::Status Wait() override {
    const absl::Status status = device.AwaitDone(number);
    staging.in_use = false;
    return status;
  }

  FakeDevice& device;
  FakeStaging& staging;
  const int64_t number;
};

// A worker of a FakeDevice; of the CPU where there is none.
struct FakeContext : WorkerContext {
  explicit FakeContext(FakeDevice* on) : device(on) {}

  std::unique_ptr<Staging> MakeStaging() override { return std::make_unique<FakeStaging>(); }
  void FreeUnused() override {
    if (device != nullptr) device->Note("free unused");
  }

  void UseThreads(int threads) override { ThreadsHere() = threads; }

  // What the context of the calling thread was told last: what a run may use.
  static int& ThreadsHere() {
    thread_local int threads = 1;
    return threads;
  }

  FakeDevice* const device;
};

}  // namespace torchere
