// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace torchere {

// By which endpoint calls come in. gRPC says a call's remote address and nothing
// more of its connection; so a remote address is at one endpoint at a time. The
// first endpoint, 0, is that of nearly all calls. Thread-safe.
class Callers {
 public:
  // The remote address as grpc::ServerContext::peer() gives it; empty for a
  // family that is not IP's.
  static std::string Name(const sockaddr_storage& address);

  // A connection comes. False: refuse it, for that caller is at another endpoint,
  // or was a moment ago.
  bool Enter(const std::string& caller, size_t endpoint, Time now);

  // It has ended. Its last calls may still come: gRPC may have read them before.
  void Leave(const std::string& caller, Time now);

  // Whether every caller is at the first endpoint: a call's peer() costs more than
  // asking this.
  bool all_at_first() const { return others_.load(std::memory_order_acquire) == 0; }

  // Nothing for one who has long been gone.
  std::optional<size_t> EndpointOf(const std::string& caller) const;

  // To be called now and then while others than the first endpoint's are there.
  void ForgetGone(Time now);

 private:
  struct Caller {
    size_t endpoint = 0;
    int connections = 0;
    // Of the last one.
    Time left = kNever;
  };
  struct Gone {
    std::string caller;
    Time left;
  };

  void Forget(Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::unordered_map<std::string, Caller> callers_ ABSL_GUARDED_BY(mutex_);
  // Of endpoints that are not the first, the earliest in front.
  std::deque<Gone> gone_ ABSL_GUARDED_BY(mutex_);
  // Callers at endpoints that are not the first, those that have gone included.
  std::atomic<int> others_ = 0;
};

}  // namespace torchere
