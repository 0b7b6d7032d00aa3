// SPDX-License-Identifier: Apache-2.0
#include "server/executor/watchdog.h"

#include <algorithm>
#include <utility>

namespace torchere {
namespace {

// A run that takes so many times as long as expected is no slow one.
constexpr int kFarTooLong = 10;

}  // namespace

Sight LookOver(absl::Span<const RunUnderWay> runs, Duration hang_after, Time now) {
  Sight sight;
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunUnderWay& run = runs[i];
    if (run.hangs) continue;
    // What begins now hangs no sooner.
    Time at = now + hang_after;
    if (run.since != kNever) {
      const Duration limit = std::max(hang_after, kFarTooLong * run.expected);
      if (now - run.since >= limit) {
        sight.hanging.push_back(i);
        continue;
      }
      at = std::min(at, run.since + limit);
    }
    sight.next = std::min(sight.next, at);
  }
  return sight;
}

Watchdog::Watchdog(Look look) : look_(std::move(look)), thread_([this] { Work(); }) {}

Watchdog::~Watchdog() { Stop(); }

void Watchdog::Stop() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::Wake() {
  if (awake_) return;
  {
    const MutexLock lock(mutex_);
    awake_ = true;
  }
  changed_.NotifyOne();
}

bool Watchdog::Await(Time next) {
  const MutexLock lock(mutex_);
  while (!ending_) {
    if (next == kNever) {
      if (awake_) return true;
      changed_.Wait(mutex_);
    } else {
      if (Now() >= next) return true;
      changed_.WaitUntil(mutex_, next);
    }
  }
  return false;
}

void Watchdog::Work() {
  Time next = kNever;
  while (Await(next)) {
    // Before it looks: what it does not see yet wakes it again.
    awake_ = false;
    next = look_(Now());
    if (next != kNever) awake_ = true;
  }
}

}  // namespace torchere
