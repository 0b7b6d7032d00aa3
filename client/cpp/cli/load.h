// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "client/cpp/cli/latencies.h"
#include "torchere/client.h"

namespace torchere::cli {

// How many requests may wait for their answers at once.
inline constexpr int kMaxOutstanding = 8192;

// How a server is loaded with one request, again and again.
struct LoadPlan {
  // Closed loop: so many wait for their answers at any time; 1 to kMaxOutstanding.
  int concurrency = 16;
  // Open loop, in the closed one's stead: so many a second on average, at random
  // times (Poisson arrivals), however the server answers. Greater than 0.
  std::optional<double> rate = {};
  // For how long requests are sent, unless their number is given.
  std::chrono::nanoseconds duration = std::chrono::seconds(10);
  std::optional<int64_t> requests = {};
  // How long one may take.
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  // Open loop: one that cannot be sent so soon after it was due is not sent.
  std::chrono::nanoseconds max_late = std::chrono::seconds(1);
};

// Answers that were the same error.
struct Failures {
  int64_t count = 0;
  // The first one's.
  std::string message;
};

// What came of it. Every request that was due is counted once: in `latencies` when
// it was answered OK, in `failures`, `not_sent` or `cut_off`.
struct LoadReport {
  // In the open loop from when the request was due, so that a client or server that
  // falls behind does not hide it.
  Latencies latencies = {};
  // By code and reason, which is empty where there is none.
  std::map<std::pair<absl::StatusCode, std::string>, Failures> failures;
  // Open loop: due while kMaxOutstanding waited, or not sent within max_late.
  int64_t not_sent = 0;
  // Unanswered when it was interrupted.
  int64_t cut_off = 0;
  // From the first request to the last answer.
  std::chrono::nanoseconds elapsed{0};
  // Means over the requests that were answered OK, from their Timing.
  Timing mean;
  double mean_batch_rows = 0;
  int64_t request_bytes = 0;

  int64_t ok() const { return latencies.count(); }
  int64_t failed() const;
  bool all_ok() const { return ok() > 0 && failed() + not_sent + cut_off == 0; }
};

// The second that has just passed.
struct LoadProgress {
  std::chrono::nanoseconds since_start{0};
  std::chrono::nanoseconds second{0};
  // Answered OK in it.
  Latencies latencies = {};
  // Failed since the start.
  int64_t failed = 0;
  int64_t outstanding = 0;
};

// Both are called by the thread that runs the load.
struct LoadWatch {
  // About once a second.
  std::function<void(const LoadProgress&)> progress = [](const LoadProgress&) {};
  // Asked many times a second; once true, nothing more is sent and what is
  // outstanding is cancelled.
  std::function<bool()> interrupted = [] { return false; };
};

// Sends the call to the server at `target` as planned; returns when each request is
// answered or past its timeout. The request is serialised once; one that the client's
// Predict does not refuse can be.
LoadReport RunLoad(const std::string& target, const PredictCall& call, const LoadPlan& plan,
                   const LoadWatch& watch);

}  // namespace torchere::cli
