// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/types/span.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace torchere {

// A run that has not ended.
struct RunUnderWay {
  // When its turn came; kNever while it is behind another.
  Time since{};
  // How long it should take; zero where that is not known.
  Duration expected{};
  // It was found to hang before.
  bool hangs = false;
};

// What there is to see of the runs under way.
struct Sight {
  // Places of those that hang, and were not known to.
  std::vector<size_t> hanging;
  // No run hangs before, also none that begins meanwhile; kNever where nothing is
  // under way that does not hang.
  Time next = kNever;
};

// A run hangs that has taken `hang_after` and ten times as long as expected: it
// cannot be told from one that would take a little longer, nor be cancelled.
Sight LookOver(absl::Span<const RunUnderWay> runs, Duration hang_after, Time now);

// A thread that looks over what runs whenever something may hang. While runs come
// and go it wakes once in the time after which one may hang; while nothing runs,
// never.
class Watchdog {
 public:
  // Looks at what runs now; Sight::next of it.
  using Look = std::function<Time(Time now)>;

  explicit Watchdog(Look look);
  ~Watchdog();

  // Something has begun to run: `look` will see it. Thread-safe.
  void Wake();

  // `look` is not called any more once it has returned.
  void Stop();

 private:
  void Work();
  // Waits until `next`, or for Wake where that is kNever; false at the end.
  bool Await(Time next);

  const Look look_;
  Mutex mutex_;
  CondVar changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  // It is about to look, or will by itself: nobody need wake it.
  std::atomic<bool> awake_ = false;

  // Last, so that it is there when it looks at what is above.
  std::jthread thread_;
};

}  // namespace torchere
