// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace torchere::cli {

// How long requests took: counts of durations, each kept to within 1 %, in 60 KiB
// however many they are.
class Latencies {
 public:
  Latencies();

  // A negative duration counts as 0.
  void Add(std::chrono::nanoseconds duration);
  void Clear();

  int64_t count() const { return count_; }
  // 0 where there are none.
  std::chrono::nanoseconds mean() const;
  std::chrono::nanoseconds max() const { return std::chrono::nanoseconds(max_); }

  // The least duration that is not exceeded by a share of `quantile`, over 0 and at
  // most 1: 0.99 for p99. 0 where there are none.
  std::chrono::nanoseconds Quantile(double quantile) const;

 private:
  // By Place() in latencies.cc.
  std::vector<int64_t> counts_;
  int64_t count_ = 0;
  int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace torchere::cli
