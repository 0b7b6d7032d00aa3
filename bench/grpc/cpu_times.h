// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace torchere::bench {

// CPU seconds (user and system) spent so far.
struct CpuTimes {
  // Of the processes that were asked for.
  double server = 0;
  // Of this process.
  double client = 0;
  // Of the whole machine, in steps of a clock tick.
  double machine = 0;
};

// `pids` that do not exist count nothing.
CpuTimes ReadCpuTimes(const std::vector<int>& pids);

CpuTimes operator-(const CpuTimes& later, const CpuTimes& earlier);

}  // namespace torchere::bench
