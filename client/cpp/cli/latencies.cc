// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace torchere::cli {
namespace {

using std::chrono::nanoseconds;

// Durations below 256 ns have a count each; above, each doubling has 128 counts:
// the upper 8 bits of the duration are kept.
constexpr size_t kDoubling = 128;

int Exponent(uint64_t duration) {
  return std::max(0, static_cast<int>(std::bit_width(duration)) - 8);
}

size_t Place(uint64_t duration) {
  const int exponent = Exponent(duration);
  return static_cast<size_t>(exponent) * kDoubling + static_cast<size_t>(duration >> exponent);
}

// The longest duration that is counted there.
uint64_t LongestAt(size_t place) {
  if (place < 2 * kDoubling) return place;
  const size_t exponent = place / kDoubling - 1;
  return ((place % kDoubling + kDoubling + 1) << exponent) - 1;
}

}  // namespace

Latencies::Latencies() : counts_(Place(std::numeric_limits<int64_t>::max()) + 1) {}

void Latencies::Add(nanoseconds duration) {
  const int64_t length = std::max<int64_t>(duration.count(), 0);
  ++counts_[Place(static_cast<uint64_t>(length))];
  ++count_;
  max_ = std::max(max_, length);
  sum_ += static_cast<double>(length);
}

void Latencies::Clear() { *this = Latencies(); }

nanoseconds Latencies::mean() const {
  if (count_ == 0) return nanoseconds(0);
  return nanoseconds(static_cast<int64_t>(sum_ / static_cast<double>(count_)));
}

nanoseconds Latencies::Quantile(double quantile) const {
  const auto wanted = static_cast<int64_t>(std::ceil(quantile * static_cast<double>(count_)));
  int64_t passed = 0;
  for (size_t place = 0; place < counts_.size(); ++place) {
    passed += counts_[place];
    if (passed >= wanted && passed > 0) {
      return nanoseconds(std::min(static_cast<int64_t>(LongestAt(place)), max_));
    }
  }
  return nanoseconds(0);
}

}  // namespace torchere::cli
