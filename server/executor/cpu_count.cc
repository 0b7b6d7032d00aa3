// SPDX-License-Identifier: Apache-2.0
#include "server/executor/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

namespace torchere {
namespace {

constexpr int kNoQuota = std::numeric_limits<int>::max();

int Cores(double quota, double period) {
  if (quota <= 0 || period <= 0) return kNoQuota;
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

int QuotaV2(const std::string& root) {
  std::ifstream file(root + "/cpu.max");
  double quota = 0, period = 0;
  // "max 100000" where there is none: the first read fails.
  return file >> quota >> period ? Cores(quota, period) : kNoQuota;
}

int QuotaV1(const std::string& root) {
  std::ifstream quota_file(root + "/cpu/cpu.cfs_quota_us");
  std::ifstream period_file(root + "/cpu/cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? Cores(quota, period) : kNoQuota;
}

int Affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace

int UsableCores(const std::string& cgroup_root) {
  return std::min({Affinity(), QuotaV2(cgroup_root), QuotaV1(cgroup_root)});
}

}  // namespace torchere
