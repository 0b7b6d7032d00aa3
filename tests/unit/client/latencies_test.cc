// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/latencies.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/support/catch.h"

namespace torchere::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST_CASE("Latencies give the quantiles of few durations to the nanosecond", "[cli]") {
  Latencies latencies;
  for (int i = 100; i >= 1; --i) latencies.Add(nanoseconds(i));
  CHECK(latencies.Quantile(0.5) == nanoseconds(50));
  CHECK(latencies.Quantile(0.9) == nanoseconds(90));
  CHECK(latencies.Quantile(0.99) == nanoseconds(99));
  CHECK(latencies.Quantile(0.999) == nanoseconds(100));
  CHECK(latencies.Quantile(1) == nanoseconds(100));
  CHECK(latencies.mean() == nanoseconds(50));
  CHECK(latencies.max() == nanoseconds(100));
  CHECK(latencies.count() == 100);
}

TEST_CASE("Latencies give the quantiles of any durations to 1 percent, never below", "[cli]") {
  std::mt19937 random(1);
  std::lognormal_distribution<double> durations(std::log(1e6), 2);
  std::vector<int64_t> all;
  Latencies latencies;
  for (int i = 0; i < 20000; ++i) {
    all.push_back(static_cast<int64_t>(durations(random)));
    latencies.Add(nanoseconds(all.back()));
  }
  std::sort(all.begin(), all.end());
  for (const double quantile : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const int64_t exact = all[static_cast<size_t>(std::ceil(quantile * 20000)) - 1];
    const int64_t given = latencies.Quantile(quantile).count();
    CAPTURE(quantile, exact, given);
    CHECK(given >= exact);
    CHECK(static_cast<double>(given) <= static_cast<double>(exact) * 1.01);
  }
  CHECK(latencies.max().count() == all.back());
}

TEST_CASE("Latencies hold the shortest and the longest duration", "[cli]") {
  Latencies latencies;
  latencies.Add(nanoseconds(-5));
  CHECK(latencies.Quantile(1) == nanoseconds(0));
  latencies.Add(nanoseconds::max());
  CHECK(latencies.Quantile(1) == nanoseconds::max());
}

TEST_CASE("Latencies of nothing are 0, also after Clear", "[cli]") {
  Latencies latencies;
  CHECK(latencies.Quantile(0.99) == nanoseconds(0));
  latencies.Add(milliseconds(3));
  latencies.Clear();
  CHECK(latencies.count() == 0);
  CHECK(latencies.max() == nanoseconds(0));
  CHECK(latencies.mean() == nanoseconds(0));
  CHECK(latencies.Quantile(0.5) == nanoseconds(0));
}

}  // namespace
}  // namespace torchere::cli
